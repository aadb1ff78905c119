#include "qkv/study/graph/graph.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "qkv/study/graph/graphviz.h"
#include "qkv/study/graph/tape_graph.h"

namespace qkv {
namespace {

const std::string checkpoint = QKV_SOURCE_DIR "/docs/checkpoint/";

SentencePair pair_for(const TrainedModel& trained) {
  return pair_with_own_translation(trained, {{"저는", "새", "집을", "봅니다", "."}, {}});
}

const GraphNode* find(const Graph& graph, const std::string& id) {
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const auto& one) { return one.id == id; });
  return node == graph.nodes.end() ? nullptr : &*node;
}

double norm(const GraphNode& node, const std::string& name) {
  for (const GraphNumbers& numbers : node.numbers)
    if (numbers.name == name) return numbers.norm;
  ADD_FAILURE() << node.id << " has no " << name;
  return 0;
}

std::ptrdiff_t count_of(const std::string& part, const std::string& text) {
  std::ptrdiff_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

/// Whether box after box can be taken away whose edges all come from boxes that are gone.
bool has_no_circle(const Graph& graph) {
  std::set<std::size_t> gone;
  for (std::size_t before = graph.nodes.size(); before != gone.size();) {
    before = gone.size();
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      if (std::all_of(graph.edges.begin(), graph.edges.end(),
                      [&](const auto& edge) { return edge.second != i || gone.contains(edge.first); }))
        gone.insert(i);
  }
  return gone.size() == graph.nodes.size();
}

struct GraphsOf : testing::TestWithParam<const char*> {
  TrainedModel trained = load_run(checkpoint + GetParam());
  SentencePass pass{trained, pair_for(trained)};
};

TEST_P(GraphsOf, EveryValueOfTheTapeIsABoxAndEveryReadAnEdge) {
  const Graph graph = graph_of(pass);
  EXPECT_EQ(graph.nodes.size(), pass.nodes().size() + 3) << "with the words read, read so far, and predicted";
  std::size_t reads = 3;
  for (const Node<double>* node : pass.nodes())
    reads += std::set<const Node<double>*>(node->parents, node->parents + node->parent_count).size();
  EXPECT_EQ(graph.edges.size(), reads);
  for (const Parameters<double>::Entry& entry : pass.parameters().entries()) {
    const std::size_t dot = entry.name.rfind('.');
    EXPECT_TRUE(std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const GraphNode& node) {
      return node.module == entry.name.substr(0, dot) && node.label == entry.name.substr(dot + 1) &&
             node.shape == entry.shape.text() && node.kind == GraphNode::Kind::parameter;
    })) << entry.name;
  }
}

TEST_P(GraphsOf, FoldedTheyHaveAsManyBoxesAsAskedForAndLoseNoOperation) {
  const Graph graph = graph_of(pass);
  const auto operations = [](const Graph& one) {
    int count = 0;
    for (const GraphNode& node : one.nodes) count += node.operations;
    return count;
  };
  for (const std::size_t most : {1U, 2U, 9U, 20U, 40U, 60U, 1000U}) {
    const Graph folded = fold(graph, most);
    EXPECT_LE(folded.nodes.size(), most);
    EXPECT_EQ(operations(folded), operations(graph)) << most;
    std::set<std::string> ids;
    for (const GraphNode& node : folded.nodes) EXPECT_TRUE(ids.insert(node.id).second) << node.id;
    std::set<std::pair<std::size_t, std::size_t>> edges;
    for (const auto& [from, to] : folded.edges) {
      EXPECT_LT(std::max(from, to), folded.nodes.size());
      EXPECT_NE(from, to);
      EXPECT_TRUE(edges.emplace(from, to).second) << "twice";
    }
  }
  EXPECT_GT(fold(graph, 40).nodes.size(), 15U) << "no further than needed";
  EXPECT_THROW(fold(graph, 0), std::invalid_argument);
}

TEST_P(GraphsOf, TheTangentOfTheLossIsItsGradientTimesTheDirection) {
  // Of a translation that surprises the model: where it is sure, the gradient is a difference of nearly equal numbers.
  const SentencePass surprised(trained, pair_with_translation(trained, {{"저는", "새", "집을", "봅니다", "."}, {}},
                                                              {{"I", "see", "a", "new", "book", "."}, {}}));
  const auto tangents = tangents_of(surprised, 7);
  double sum = 0, scale = 0;
  for (const Node<double>* node : surprised.nodes()) {
    if (!node->is_leaf || node->gradient == nullptr || !node->needs_gradient) continue;
    for (std::int64_t j = 0; j < node->shape.size(); ++j) {
      const double term =
          node->gradient[j] * tangents[static_cast<std::size_t>(node->index)][static_cast<std::size_t>(j)];
      sum += term;
      scale += std::abs(term);
    }
  }
  EXPECT_GT(scale, 0);
  EXPECT_NEAR(tangents[static_cast<std::size_t>(surprised.loss().node()->index)].at(0), sum, 1e-12 * scale);
}

TEST_P(GraphsOf, AreReadByGraphviz) {
  const Graph graph = fold(graph_of(pass, {.values = true, .gradients = true, .tangents = true}), 40);
  const std::string svg = svg_of(to_dot(graph));
  std::size_t boxes = 0;
  for (std::size_t at = 0; (at = svg.find("class=\"node\"", at)) != std::string::npos; ++at) ++boxes;
  EXPECT_EQ(boxes, graph.nodes.size());
}

TEST_P(GraphsOf, AsJsonHaveWhatThePageReads) {
  const Graph graph = fold(graph_of(pass), 40);
  const nlohmann::ordered_json json = graph_json(graph);
  std::set<std::string> ids;
  std::map<std::string, std::ptrdiff_t> kinds;
  for (const auto& node : json.at("nodes")) {
    ids.insert(node.at("id").get<std::string>());
    ++kinds[node.at("kind").get<std::string>()];
    EXPECT_EQ(node.size(), 6U);
  }
  EXPECT_EQ(kinds["input"], 3);
  EXPECT_EQ(kinds["module"], std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                           [](const GraphNode& node) { return node.kind == GraphNode::Kind::module; }));
  EXPECT_GT(kinds["operation"], 0);
  EXPECT_EQ(ids.size(), graph.nodes.size());
  for (const auto& edge : json.at("edges")) {
    EXPECT_TRUE(ids.contains(edge.at(0).get<std::string>()));
    EXPECT_TRUE(ids.contains(edge.at(1).get<std::string>()));
  }
  EXPECT_EQ(json.size(), 4U);
  EXPECT_EQ(json.at("dot"), to_dot(graph));
}

INSTANTIATE_TEST_SUITE_P(All, GraphsOf, testing::Values("transformer", "rnn", "rnn-attention"), [](const auto& one) {
  std::string name = one.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(FoldedGraph, HasTheModulesOfATransformer) {
  const TrainedModel trained = load_run(checkpoint + "transformer");
  const Graph graph = fold(graph_of({trained, pair_for(trained)}), 30);
  std::set<std::string> modules;
  for (const GraphNode& node : graph.nodes)
    if (node.kind == GraphNode::Kind::module) modules.insert(node.module);
  for (const char* module : {"encoder.layers.0.self_attention", "encoder.layers.0.feed_forward",
                             "decoder.layers.0.cross_attention", "decoder.norm", "generator"})
    EXPECT_TRUE(modules.contains(module)) << module;
}

TEST(FoldedGraph, OfARecurrentModelHasItsRecurrencesDashedAndNoOtherCircle) {
  for (const char* model : {"rnn", "rnn-attention"}) {
    const TrainedModel trained = load_run(checkpoint + model);
    for (const std::size_t most : {9U, 20U, 40U}) {
      const Graph graph = fold(graph_of({trained, pair_for(trained)}), most);
      const std::vector<bool> recurrent = recurrences(graph);
      EXPECT_EQ(count_of("[style=dashed, constraint=false]", to_dot(graph)),
                std::count(recurrent.begin(), recurrent.end(), true));
      EXPECT_EQ(std::ssize(graph_json(graph).at("recurrences")), count_of("style=dashed", to_dot(graph)));
      if (most == 40) {
        EXPECT_GT(std::count(recurrent.begin(), recurrent.end(), true), 0) << model;
      }
      Graph rest{"", graph.nodes, {}};
      for (std::size_t i = 0; i < graph.edges.size(); ++i)
        if (!recurrent[i]) rest.edges.push_back(graph.edges[i]);
      EXPECT_TRUE(has_no_circle(rest)) << model << " in " << most << " boxes";
    }
  }
}

TEST(FoldedGraph, OfATransformerHasNoRecurrence) {
  const TrainedModel trained = load_run(checkpoint + "transformer");
  for (const std::size_t most : {9U, 20U, 40U, 1000U})
    EXPECT_EQ(graph_json(fold(graph_of({trained, pair_for(trained)}), most)).at("recurrences").size(), 0U) << most;
}

TEST(Dot, TakesAnyText) {
  const Graph graph{"\"<script>\\n&lt;\"",
                    {{"a\"b", "<script>alert('학교')</script> \\ \" \n &lt; \x1b", "m", "[1]", 1, {}, {}},
                     {"c", "\\", "", "", 0, GraphNode::Kind::input, {{"value", 1, {"|\"|"}}}}},
                    {{0, 1}}};
  const std::string dot = to_dot(graph);
  EXPECT_NE(dot.find(R"(<script>alert('학교')</script> \\ \" \\u{a} &amp;lt; \\u{1b})"), std::string::npos) << dot;
  EXPECT_NE(dot.find(R"("a\"b" -> "c";)"), std::string::npos) << dot;
  try {
    const std::string svg = svg_of(dot);
    EXPECT_EQ(svg.find("<script"), std::string::npos) << svg;
    EXPECT_NE(svg.find("학교"), std::string::npos) << svg;
    EXPECT_NE(svg.find("&amp;lt;"), std::string::npos) << svg;
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("graphviz"), std::string::npos) << error.what();
  }
}

struct HeadGraphs : testing::Test {
  TrainedModel trained = load_run(checkpoint + "transformer");
  SentencePass pass{trained, pair_for(trained)};
  GraphOptions all{.values = true, .gradients = true, .tangents = true};
};

TEST_F(HeadGraphs, HaveTheStepsWithTheShapesOfOneHead) {
  const Graph graph = graph_of_head(pass, AttentionKind::cross, 0, 1);
  const std::string n = std::to_string(pass.pair().read.size()), m = std::to_string(pass.pair().source.size());
  const std::vector<std::pair<const char*, std::string>> steps{{"x", "[" + n + ", 16]"},
                                                               {"memory", "[" + m + ", 16]"},
                                                               {"query.weight", "[8, 16]"},
                                                               {"queries", "[" + n + ", 8]"},
                                                               {"keys", "[" + m + ", 8]"},
                                                               {"values", "[" + m + ", 8]"},
                                                               {"scores", "[" + n + ", " + m + "]"},
                                                               {"scaled", "[" + n + ", " + m + "]"},
                                                               {"weights", "[" + n + ", " + m + "]"},
                                                               {"output", "[" + n + ", 8]"},
                                                               {"projection", "[" + n + ", 16]"}};
  for (const auto& [id, shape] : steps) {
    const GraphNode* node = find(graph, id);
    ASSERT_NE(node, nullptr) << id;
    EXPECT_EQ(node->shape, shape) << id;
  }
  EXPECT_LE(graph.nodes.size(), 20U);
  EXPECT_EQ(find(graph_of_head(pass, AttentionKind::self, 0, 1), "memory"), nullptr);
}

/// Both heads together have the numbers of the tape, in whole and in part.
TEST_F(HeadGraphs, TogetherHaveTheNumbersOfTheTape) {
  for (const AttentionKind kind : {AttentionKind::cross, AttentionKind::self, AttentionKind::causal}) {
    const Graph heads[] = {graph_of_head(pass, kind, 0, 0, all), graph_of_head(pass, kind, 0, 1, all)};
    const auto attentions = pass.attentions();
    const auto record =
        **std::find_if(attentions.begin(), attentions.end(), [&](const auto* one) { return one->kind == kind; });
    const auto tangents = tangents_of(pass, 1);
    const auto length = [](const auto& numbers) {
      double squares = 0;
      for (const double x : numbers) squares += x * x;
      return std::sqrt(squares);
    };
    const auto together = [&](const char* id, const char* name) {
      return std::hypot(norm(*find(heads[0], id), name), norm(*find(heads[1], id), name));
    };
    for (const auto& [id, var] : {std::pair("queries", record.queries), std::pair("keys", record.keys)}) {
      const auto size = static_cast<std::size_t>(var.size());
      EXPECT_NEAR(together(id, "value"), length(var.values()), 1e-12 * length(var.values()));
      EXPECT_NEAR(together(id, "gradient"), length(std::span(var.node()->gradient, size)), 1e-12);
      EXPECT_NEAR(together(id, "tangent"), length(tangents[static_cast<std::size_t>(var.node()->index)]), 1e-9);
    }
    EXPECT_NEAR(together("weights", "value"), length(record.weights.values()), 1e-12);
  }
}

TEST_F(HeadGraphs, WhatIsNotThereIsRefused) {
  EXPECT_THROW(graph_of_head(pass, AttentionKind::cross, 1, 0), std::invalid_argument);
  EXPECT_THROW(graph_of_head(pass, AttentionKind::cross, 0, 2), std::invalid_argument);
  const TrainedModel rnn = load_run(checkpoint + "rnn");
  EXPECT_THROW(graph_of_head({rnn, pair_for(rnn)}, AttentionKind::cross, 0, 0), std::invalid_argument);
}

TEST_F(HeadGraphs, OfARecurrentDecoderHaveARowForEachWord) {
  const TrainedModel rnn = load_run(checkpoint + "rnn-attention");
  const SentencePass rnn_pass{rnn, pair_for(rnn)};
  const Graph graph = graph_of_head(rnn_pass, AttentionKind::cross, 0, 0, all);
  const std::string n = std::to_string(rnn_pass.pair().read.size());
  EXPECT_EQ(find(graph, "h")->shape, "[" + n + ", 32]");
  EXPECT_EQ(find(graph, "states")->shape, "[6, 32]");
  EXPECT_EQ(find(graph, "weights")->shape, "[" + n + ", 6]");
}

}  // namespace
}  // namespace qkv
