// How a graph is folded by module.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "qkv/autograd/check.h"
#include "qkv/study/graph/graph.h"

namespace qkv {
namespace {

using Kind = GraphNode::Kind;

/// "encoder.layers.0" of "encoder.layers.0.norm1"; "" of "generator".
std::string outer_of(const std::string& module) {
  const std::size_t dot = module.rfind('.');
  return dot == std::string::npos ? "" : module.substr(0, dot);
}

/// The module that all of these belong to, if it is one.
std::string common_module(const std::vector<std::size_t>& nodes, const std::vector<std::string>& modules) {
  std::string common;
  for (const std::size_t node : nodes) {
    if (modules[node].empty()) continue;
    if (!common.empty() && common != modules[node]) return "";
    common = modules[node];
  }
  return common;
}

/// The module of each node; of one outside of all modules, that of its neighbours. The last operation, which nobody
/// reads, and the inputs stay outside.
std::vector<std::string> homes_of(const Graph& graph) {
  std::vector<std::vector<std::size_t>> read(graph.nodes.size()), readers(graph.nodes.size());
  for (const auto& [from, to] : graph.edges) {
    read[to].push_back(from);
    readers[from].push_back(to);
  }
  std::vector<std::string> homes;
  for (const GraphNode& node : graph.nodes) homes.push_back(node.module);
  for (std::size_t i = 0; i < homes.size(); ++i) {
    const bool stays = graph.nodes[i].kind == Kind::input || i + 1 == homes.size();
    if (!homes[i].empty() || stays) continue;
    homes[i] = common_module(read[i], homes);
    if (homes[i].empty()) homes[i] = common_module(readers[i], homes);
  }
  return homes;
}

/// How many modules lie inside each other inside this one: 0 for one that holds no others.
std::map<std::string, int> heights_of(const std::vector<std::string>& modules) {
  std::map<std::string, int> heights;
  for (std::string module : modules)
    for (int height = 0; !module.empty(); module = outer_of(module), ++height)
      heights[module] = std::max(heights[module], height);
  return heights;
}

/// How the measures of a box are those of its parts: of what leaves it last, and of all its parameters together.
void take_numbers(GraphNode& box, const Graph& graph, const std::vector<std::size_t>& parts) {
  double squares = 0;
  bool has_gradients = false;
  for (const std::size_t part : parts) {
    if (graph.nodes[part].kind != Kind::parameter) continue;
    for (const GraphNumbers& numbers : graph.nodes[part].numbers) {
      if (numbers.name != "gradient") continue;
      squares += numbers.norm * numbers.norm;
      has_gradients = true;
    }
  }
  for (GraphNumbers& numbers : box.numbers) numbers.rows.clear();
  if (has_gradients) box.numbers.push_back({"gradient of the parameters", std::sqrt(squares), {}});
}

/// The graph whose nodes with the same name in `boxes` are one.
Graph merged(const Graph& graph, const std::vector<std::string>& boxes,
             const std::map<std::string, std::string>& modules) {
  std::map<std::string, std::vector<std::size_t>> parts;
  std::vector<std::string> order;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (parts[boxes[i]].empty()) order.push_back(boxes[i]);
    parts[boxes[i]].push_back(i);
  }
  std::vector<bool> leaves_box(boxes.size());
  for (const auto& [from, to] : graph.edges)
    if (boxes[from] != boxes[to]) leaves_box[from] = true;

  Graph result{graph.title, {}, {}};
  std::map<std::string, std::size_t> place;
  for (const std::string& name : order) {
    const std::vector<std::size_t>& inside = parts[name];
    place[name] = result.nodes.size();
    std::size_t last = inside.back();
    for (const std::size_t part : inside)
      if (leaves_box[part] && graph.nodes[part].kind == Kind::operation) last = part;
    GraphNode& box = result.nodes.emplace_back(graph.nodes[last]);
    if (inside.size() == 1) continue;
    box.operations = 0;
    for (const std::size_t part : inside) box.operations += graph.nodes[part].operations;
    if (const auto module = modules.find(name); module != modules.end()) {
      box.kind = Kind::module;
      box.module = module->second;
      const std::string outer = outer_of(box.module);
      box.label = box.module.empty() ? "the whole model" : box.module.substr(outer.empty() ? 0 : outer.size() + 1);
    }
    take_numbers(box, graph, inside);
  }
  std::set<std::pair<std::size_t, std::size_t>> edges;
  for (const auto& [from, to] : graph.edges)
    if (boxes[from] != boxes[to]) edges.emplace(place[boxes[from]], place[boxes[to]]);
  result.edges.assign(edges.begin(), edges.end());
  return result;
}

}  // namespace

Graph fold(const Graph& graph, std::size_t most_boxes) {
  check(most_boxes >= 1, "a graph cannot be folded into no box at all");
  if (graph.nodes.size() <= most_boxes) return graph;
  const std::vector<std::string> homes = homes_of(graph);
  const std::map<std::string, int> heights = heights_of(homes);
  int highest = 0;
  for (const auto& [module, height] : heights) highest = std::max(highest, height);

  for (int folded = -1; folded <= highest; ++folded) {  // -1: only what is repeated
    std::vector<std::string> boxes;
    std::map<std::string, std::string> modules;  // of the boxes that are one
    for (std::size_t i = 0; i < homes.size(); ++i) {
      std::string box;
      for (std::string module = homes[i]; !module.empty(); module = outer_of(module))
        if (heights.at(module) <= folded) box = module;
      if (!box.empty()) {
        boxes.push_back("module " + box);
        modules[boxes.back()] = box;
      } else if (graph.nodes[i].kind == Kind::operation && !homes[i].empty()) {
        boxes.push_back("operation " + homes[i] + " " + graph.nodes[i].label + " " + graph.nodes[i].shape);
      } else {
        boxes.push_back("node " + graph.nodes[i].id);
      }
    }
    Graph result = merged(graph, boxes, modules);
    if (result.nodes.size() <= most_boxes) return result;
  }
  return merged(graph, std::vector<std::string>(homes.size(), "all"), {{"all", ""}});
}

}  // namespace qkv
