#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace qkv {

/// How large the numbers of a box are, and what they are if they are few.
struct GraphNumbers {
  std::string name;               ///< "value", "gradient" or "tangent"
  double norm = 0;                ///< √Σ x²
  std::vector<std::string> rows;  ///< a small matrix, row by row, or none
};

/// A box of a graph: an operation, a leaf, or all that belongs to one module.
struct GraphNode {
  enum class Kind { operation, parameter, constant, input, module };

  std::string id;      ///< unique within its graph
  std::string label;   ///< the operation, "weight", "self_attention"
  std::string module;  ///< such as "encoder.layers.0.self_attention"; "" outside of all
  std::string shape;   ///< of its value, or of the last operation's in it that others read
  int operations = 0;  ///< how many are in it
  Kind kind = Kind::operation;
  std::vector<GraphNumbers> numbers;
};

/// A directed graph. An edge leads from what is read to who reads it, by their places in `nodes`.
struct Graph {
  std::string title;
  std::vector<GraphNode> nodes;
  std::vector<std::pair<std::size_t, std::size_t>> edges;
};

/// The same graph in at most `most_boxes` boxes, of which there must be at least one. It is folded only as far as is
/// needed, and everywhere alike: first what an operation does again and again in one module with the same shape, such
/// as the steps of a recurrent network, becomes one box; then each module that holds no others; then each that holds
/// only those; at last the whole. What lies outside of all modules is counted among the module that all it reads, or
/// all who read it, belong to. Where words are read one by one, what is folded has circles: the recurrence.
/// Throws std::invalid_argument if most_boxes < 1.
Graph fold(const Graph& graph, std::size_t most_boxes);

/// Of each edge, whether it leads from a step of a recurrent model to the next: it goes against the order of the boxes
/// and closes a circle, which only what is folded has.
std::vector<bool> recurrences(const Graph& graph);

/// The graph in Graphviz's language, its modules as clusters inside each other, recurrences dashed. Any text may be in
/// it.
std::string to_dot(const Graph& graph);

/// {"nodes": [{"id", "kind", "label", "module", "shape", "operations"}], "edges": [[from, to]],
/// "recurrences": [[from, to]], "dot": "…"}, edges by ids; recurrences are among the edges.
nlohmann::ordered_json graph_json(const Graph& graph);

}  // namespace qkv
