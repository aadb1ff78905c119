#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/sentences.h"
#include "cli/terminal.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/study/explain/attention_head.h"
#include "qkv/study/graph/graphviz.h"
#include "qkv/study/graph/tape_graph.h"

namespace qkv::cli {
namespace {

struct GraphArguments {
  std::string run, sentence, out;
  std::optional<std::string> target;
  std::optional<AttentionKind> attention;
  std::optional<int> layer, head;
  int boxes = 40;
  GraphOptions numbers;
  bool json = false;

  bool one_head() const { return attention || layer || head; }
  bool as_svg() const { return std::filesystem::path(out).extension() == ".svg"; }
};

Graph graph_to_draw(const SentencePass& pass, const GraphArguments& options) {
  if (!options.one_head()) return fold(graph_of(pass, options.numbers), static_cast<std::size_t>(options.boxes));
  const AttentionKind kind = options.attention.value_or(AttentionKind::cross);
  const int last = std::max(attentions_in(pass, kind).layers - 1, 0);
  try {
    const int layer = options.layer.value_or(last);
    const int head = options.head ? *options.head : attention_head(pass, kind, layer, {}).head;
    return graph_of_head(pass, kind, layer, head, options.numbers);
  } catch (const std::invalid_argument& error) {
    throw WrongUsage(fmt::format("{}: {}", options.run, error.what()));
  }
}

void run(const GraphArguments& options) {
  const TrainedModel trained = load_run(options.run);
  const SentencePass pass(trained, read_pair(trained, options.sentence, options.target));
  const Graph graph = graph_to_draw(pass, options);
  if (!options.out.empty()) {
    const std::string dot = to_dot(graph);
    write_durably(options.out, options.as_svg() ? svg_of(dot) : dot);
    if (!options.json)
      print("{}: {} and {}\n", options.out,
            graph.nodes.size() == 1 ? "1 box" : fmt::format("{} boxes", graph.nodes.size()),
            counted(graph.edges.size(), "edge"));
  }
  if (options.json) print_json(graph_json(graph));
}

/// What can be said before the run is read.
void check_usage(const GraphArguments& options) {
  if (options.out.empty()) {
    if (!options.json) throw WrongUsage("--out is required: a file that ends in .svg or .dot");
    return;
  }
  const std::string extension = std::filesystem::path(options.out).extension().string();
  if (extension != ".svg" && extension != ".dot")
    throw WrongUsage(fmt::format("--out: {} ends neither in .svg, a picture, nor in .dot, Graphviz's language",
                                 in_quotes(options.out)));
}

}  // namespace

void add_graph(CLI::App& app) {
  const auto options = std::make_shared<GraphArguments>();
  CLI::App* graph = app.add_subcommand("graph", "Draw what a model computes for a sentence, as a graph");
  add_path(*graph, "RUN", options->run, "the run folder of a trained model", "RUN")->required();
  add_text(*graph, "SENTENCE", "the sentence that it reads", [options](const std::string& text) {
    options->sentence = text;
  })->required();
  add_path(*graph, "--out", options->out, "write a picture (.svg, by Graphviz's program dot) or its source (.dot)",
           "FILE");
  add_text(*graph, "--target", "the translation that is fed in; default: the model's own",
           [options](const std::string& text) { options->target = text; });
  auto* boxes = add_number(*graph, "--boxes", options->boxes, "fold by module until there are at most so many",
                           Range{1, 100'000});
  add_attention(*graph, "draw one head of this attention, step by step", [options](AttentionKind kind) {
    options->attention = kind;
  })->excludes(boxes);
  add_number(*graph, "--layer", options->layer, "of this layer", Range{0, 999})
      ->default_str("the last")
      ->excludes(boxes);
  add_number(*graph, "--head", options->head, "this head", Range{0, 999'999})
      ->default_str("the sharpest")
      ->excludes(boxes);
  graph->add_flag("--values", options->numbers.values, "how large each value is, and its numbers if they are few");
  graph->add_flag("--gradients", options->numbers.gradients, "the same of its gradient, ∂loss/∂value");
  graph->add_flag("--tangents", options->numbers.tangents,
                  "the same of its derivative along a random direction of all parameters");
  add_number(*graph, "--seed", options->numbers.seed, "of that direction", seed_range);
  graph->add_flag("--json", options->json, "print the graph as JSON; then --out may be left out");
  graph->footer(
      "Example:\n  qkv graph runs/transformer \"저는 학교에 갑니다.\" --out graph.svg\n"
      "  qkv graph runs/transformer \"저는 학교에 갑니다.\" --head 1 --out head.svg");
  graph->callback([options] {
    check_usage(*options);
    run(*options);
  });
}

}  // namespace qkv::cli
