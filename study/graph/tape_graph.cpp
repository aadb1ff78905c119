#include "qkv/study/graph/tape_graph.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "qkv/datasets/text.h"
#include "qkv/study/terminal_text.h"

namespace qkv {
namespace {

constexpr int longest_sentence = 60;

/// A parameter is called by its name, which ends with what it is in its module: "decoder.norm.weight".
void name(GraphNode& box, const Node<double>& node) {
  box.shape = node.shape.text();
  box.label = node.name;
  box.module = node.module == nullptr ? "" : node.module;
  box.operations = node.is_leaf ? 0 : 1;
  box.kind = !node.is_leaf         ? GraphNode::Kind::operation
             : node.needs_gradient ? GraphNode::Kind::parameter
                                   : GraphNode::Kind::constant;
  if (box.kind != GraphNode::Kind::parameter) return;
  const std::size_t dot = box.label.rfind('.');
  box.module = dot == std::string::npos ? "" : box.label.substr(0, dot);
  box.label = dot == std::string::npos ? box.label : box.label.substr(dot + 1);
}

/// Words that go into the graph.
void add_words(Graph& graph, const std::string& id, const std::string& what, const std::vector<std::string>& words) {
  graph.nodes.push_back({id,
                         fmt::format("{}: {}", what, shortened(join_words(words), longest_sentence)),
                         "",
                         fmt::format("[1, {}]", words.size()),
                         0,
                         GraphNode::Kind::input,
                         {}});
}

}  // namespace

Graph graph_of(const SentencePass& pass, const GraphOptions& options) {
  const SentencePair& pair = pass.pair();
  const auto tangents = options.tangents ? tangents_of(pass, options.seed) : std::vector<std::vector<double>>{};
  Graph graph{join_words(pair.source), {}, {}};
  add_words(graph, "source", "source words", pair.source);
  add_words(graph, "read", "words read so far", pair.read);
  add_words(graph, "predicted", "words to predict", pair.predicted);
  constexpr std::size_t source = 0, read = 1, predicted = 2, first = 3;
  for (const Node<double>* node : pass.nodes()) {
    const std::size_t here = graph.nodes.size();
    GraphNode& box = graph.nodes.emplace_back();
    box.id = fmt::format("n{}", node->index);
    name(box, *node);
    const std::span parents(node->parents, static_cast<std::size_t>(node->parent_count));
    for (auto parent = parents.begin(); parent != parents.end(); ++parent)  // states may be keys and values: one edge
      if (std::find(parents.begin(), parent, *parent) == parent)
        graph.edges.emplace_back(first + static_cast<std::size_t>((*parent)->index), here);
    if (!node->is_leaf && box.module == "source_embedding") graph.edges.emplace_back(source, here);
    if (!node->is_leaf && box.module == "target_embedding") graph.edges.emplace_back(read, here);
    if (node == pass.loss().node()) graph.edges.emplace_back(predicted, here);

    PicturedMatrix numbers;
    numbers.columns = node->shape.last();
    numbers.value.assign(node->value, node->value + node->shape.size());
    if (node->gradient != nullptr && node->needs_gradient)
      numbers.gradient.assign(node->gradient, node->gradient + node->shape.size());
    if (options.tangents) numbers.tangent = tangents[node->index];
    box.numbers = numbers_of(numbers, options);
  }
  return graph;
}

}  // namespace qkv
