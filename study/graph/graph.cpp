#include "qkv/study/graph/graph.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "qkv/datasets/visible_text.h"

namespace qkv {
namespace {

/// In quotes, as Graphviz reads it back: of "&lt;" it would make "<", and of "\l" a line break.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : visible(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
    if (c == '&') result += "amp;";
  }
  return result + '"';
}

/// Lines of a label; \l ends one that stands on the left.
std::string label_of(const GraphNode& node) {
  std::string label = quoted(node.label);
  label.pop_back();
  const auto add = [&](const std::string& text, const char* end) {
    const std::string line = quoted(text);
    label += line.substr(1, line.size() - 2) + end;
  };
  if (node.operations > 1) add(fmt::format(" ({} operations)", node.operations), "");
  label += "\\n";
  if (!node.shape.empty()) add(node.shape, "\\n");
  for (const GraphNumbers& numbers : node.numbers) {
    add(fmt::format("‖{}‖ = {:.4g}", numbers.name, numbers.norm), "\\l");
    for (const std::string& row : numbers.rows) add(row, "\\l");
  }
  return label + '"';
}

/// What a kind of box is called in JSON, and its colour.
struct Look {
  const char* name;
  const char* colour;
};

Look look_of(GraphNode::Kind kind) {
  switch (kind) {
    case GraphNode::Kind::operation:
      return {"operation", "#ffffff"};
    case GraphNode::Kind::parameter:
      return {"parameter", "#fde9a9"};
    case GraphNode::Kind::constant:
      return {"constant", "#e4e4e4"};
    case GraphNode::Kind::input:
      return {"input", "#cdebc5"};
    case GraphNode::Kind::module:
      return {"module", "#cfe2f3"};
  }
  return {"", ""};
}

/// The modules of a graph, each inside the one whose name is its own up to the last dot, and the boxes of each.
struct Cluster {
  std::string name;
  std::vector<std::size_t> nodes;
  std::vector<Cluster> inner;
};

Cluster& inside(Cluster& outer, const std::string& module, std::size_t begin = 0) {
  if (begin >= module.size()) return outer;
  const std::size_t end = std::min(module.find('.', begin), module.size());
  const std::string name = module.substr(0, end);
  for (Cluster& cluster : outer.inner)
    if (cluster.name == name) return inside(cluster, module, end + 1);
  return inside(outer.inner.emplace_back(Cluster{name, {}, {}}), module, end + 1);
}

std::string part_behind(const std::string& name, const std::string& outer) {
  return outer.empty() ? name : name.substr(outer.size() + 1);
}

/// Writes a cluster; one that holds nothing but another is not drawn around it.
void write(const Cluster& cluster, const std::string& outer, const Graph& graph, int depth, int& count,
           std::string& dot) {
  const bool is_drawn = !cluster.name.empty() && (!cluster.nodes.empty() || cluster.inner.size() != 1);
  const std::string margin(static_cast<std::size_t>(2 * depth), ' ');
  if (is_drawn)
    dot += fmt::format("{}subgraph cluster_{} {{\n{}  label={};\n", margin, count++, margin,
                       quoted(part_behind(cluster.name, outer)));
  for (const std::size_t i : cluster.nodes) {
    const GraphNode& node = graph.nodes[i];
    dot += fmt::format("{}  {} [label={}, fillcolor=\"{}\"];\n", margin, quoted(node.id), label_of(node),
                       look_of(node.kind).colour);
  }
  for (const Cluster& inner : cluster.inner)
    write(inner, is_drawn ? cluster.name : outer, graph, is_drawn ? depth + 1 : depth, count, dot);
  if (is_drawn) dot += margin + "}\n";
}

/// Whether a way leads from one box to the other.
bool leads(std::size_t from, std::size_t to, const std::vector<std::vector<std::size_t>>& readers) {
  std::vector<bool> seen(readers.size());
  std::vector<std::size_t> waiting{from};
  while (!waiting.empty()) {
    const std::size_t here = waiting.back();
    waiting.pop_back();
    if (here == to) return true;
    if (seen[here]) continue;
    seen[here] = true;
    waiting.insert(waiting.end(), readers[here].begin(), readers[here].end());
  }
  return false;
}

}  // namespace

std::vector<bool> recurrences(const Graph& graph) {
  std::vector<std::vector<std::size_t>> readers(graph.nodes.size());
  for (const auto& [from, to] : graph.edges) readers[from].push_back(to);
  std::vector<bool> found;
  for (const auto& [from, to] : graph.edges) found.push_back(from > to && leads(to, from, readers));
  return found;
}

std::string to_dot(const Graph& graph) {
  Cluster all;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    const std::size_t last_dot = node.module.rfind('.');
    const std::string outer = node.kind != GraphNode::Kind::module ? node.module
                              : last_dot == std::string::npos      ? ""
                                                                   : node.module.substr(0, last_dot);
    inside(all, outer).nodes.push_back(i);
  }
  std::string dot = fmt::format(
      "digraph {{\n"
      "  label={};\n  labelloc=t;\n  fontname=\"sans-serif\";\n  color=\"#999999\";\n  style=rounded;\n"
      "  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\", fontsize=10];\n"
      "  edge [color=\"#555555\", arrowsize=0.7];\n",
      quoted(graph.title));
  int count = 0;
  write(all, "", graph, 0, count, dot);
  const std::vector<bool> recurrent = recurrences(graph);
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const auto& [from, to] = graph.edges[i];
    dot += fmt::format("  {} -> {}{};\n", quoted(graph.nodes[from].id), quoted(graph.nodes[to].id),
                       recurrent[i] ? " [style=dashed, constraint=false]" : "");
  }
  return dot + "}\n";
}

nlohmann::ordered_json graph_json(const Graph& graph) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array(), edges = nodes, again = nodes;
  for (const GraphNode& node : graph.nodes)
    nodes.push_back({{"id", node.id},
                     {"kind", look_of(node.kind).name},
                     {"label", node.label},
                     {"module", node.module},
                     {"shape", node.shape},
                     {"operations", node.operations}});
  const std::vector<bool> recurrent = recurrences(graph);
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const auto& [from, to] = graph.edges[i];
    edges.push_back(nlohmann::ordered_json::array({graph.nodes[from].id, graph.nodes[to].id}));
    if (recurrent[i]) again.push_back(edges.back());
  }
  return {{"nodes", std::move(nodes)},
          {"edges", std::move(edges)},
          {"recurrences", std::move(again)},
          {"dot", to_dot(graph)}};
}

}  // namespace qkv
