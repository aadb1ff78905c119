#include "qkv/study/attention_view.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "qkv/translation/attention_maps.h"
#include "qkv/translation/judged_links.h"

namespace qkv {

const char* title_of(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::cross:
      return "cross-attention";
    case AttentionKind::self:
      return "encoder self-attention";
    case AttentionKind::causal:
      return "decoder self-attention";
  }
  return "";
}

namespace {

Sentence with_first(const std::string& first, const Sentence& words) {
  Sentence result{first};
  result.insert(result.end(), words.begin(), words.end());
  return result;
}

Sentence with_last(const Sentence& words, const std::string& last) {
  Sentence result = words;
  result.push_back(last);
  return result;
}

void name(AttentionView& view, AttentionKind kind) {
  view.title = view.head ? fmt::format("{}, layer {}, head {}", title_of(kind), view.layer, *view.head)
                         : fmt::format("{}, layer {}, mean of the heads", title_of(kind), view.layer);
}

/// The rows that read a target word instead of those that predict it.
AttentionView read_one_step_later(AttentionView view) {
  view.weights.erase(view.weights.begin(), view.weights.begin() + static_cast<std::ptrdiff_t>(view.columns.size()));
  view.rows.pop_back();
  view.title += ", read one step later";
  return view;
}

/// The rows of a translation that was cut: nothing was predicted after its last word.
AttentionView without_end(AttentionView view) {
  view.rows.pop_back();
  view.weights.resize(view.rows.size() * view.columns.size());
  return view;
}

int layers_of(const std::vector<AttentionView>& views) { return views.back().layer + 1; }

/// All layers and heads, with a row for the end of the translation.
std::vector<AttentionView> all_views(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                                     AttentionKind kind) {
  const std::vector<int> source_ids = trained.source.encode_with_eos(source),
                         target_ids = trained.target.encode_with_bos(target);
  Tape<float> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  trained.model->logits(OneSequence(source_ids), OneSequence(target_ids));
  const auto maps = attention_maps(tape, kind);
  check(!maps.empty(), "this model has no {}", title_of(kind));
  const Sentence read = with_last(source, "<eos>"), fed = with_first("<bos>", target);
  std::vector<AttentionView> views;
  for (std::size_t layer = 0; layer < maps.size(); ++layer)
    for (int head = 0; head < maps[layer].heads; ++head) {
      AttentionView& view = views.emplace_back();
      view.layer = static_cast<int>(layer);
      view.head = head;
      view.rows = kind == AttentionKind::self ? read : kind == AttentionKind::cross ? with_last(target, "<eos>") : fed;
      view.columns = kind == AttentionKind::causal ? fed : read;
      const std::span<const float> weights = maps[layer].of(0, head);
      view.weights.assign(weights.begin(), weights.end());
      name(view, kind);
    }
  return views;
}

}  // namespace

std::vector<AttentionView> attention_views(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                                           AttentionKind kind, bool cut) {
  std::vector<AttentionView> views = all_views(trained, source, target, kind);
  if (cut && kind == AttentionKind::cross)
    for (AttentionView& view : views) view = without_end(std::move(view));
  return views;
}

AttentionView attention_view(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                             AttentionKind kind, std::optional<int> layer, std::optional<int> head, bool cut) {
  const std::vector<AttentionView> views = all_views(trained, source, target, kind);
  const int layers = layers_of(views), heads = static_cast<int>(views.size()) / layers;
  const auto at = [&](int l, int h) { return views[l * heads + h]; };
  const auto check_layer = [&](int l) {
    check(l >= 0 && l < layers, "layer {} does not exist; this model's layers are 0 to {}", l, layers - 1);
  };
  const auto check_head = [&](int h) {
    check(h >= 0 && h < heads, "head {} does not exist; this model's heads are 0 to {}", h, heads - 1);
  };
  if (kind == AttentionKind::cross && !layer && !head && trained.alignment) {
    check_layer(trained.alignment->layer);
    check_head(trained.alignment->head);
    const AttentionView best = at(trained.alignment->layer, trained.alignment->head);
    return trained.alignment->offset == 1 ? read_one_step_later(best) : cut ? without_end(best) : best;
  }
  const auto with_its_end = [&](const AttentionView& view) {
    return cut && kind == AttentionKind::cross ? without_end(view) : view;
  };
  const int chosen = layer.value_or(layers - 1);
  check_layer(chosen);
  if (head) {
    check_head(*head);
    return with_its_end(at(chosen, *head));
  }
  AttentionView mean = at(chosen, 0);
  mean.head.reset();
  name(mean, kind);
  for (std::size_t i = 0; i < mean.weights.size(); ++i) {
    mean.weights[i] = 0;
    for (int h = 0; h < heads; ++h) mean.weights[i] += views[chosen * heads + h].weights[i] / static_cast<float>(heads);
  }
  return with_its_end(mean);
}

double mean_entropy(const AttentionView& view) {
  double sum = 0;
  for (const float weight : view.weights)
    if (weight > 0) sum -= static_cast<double>(weight) * std::log(static_cast<double>(weight));
  return view.rows.empty() ? 0 : sum / static_cast<double>(view.rows.size());
}

AttentionView sharpest_view(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                            AttentionKind kind, std::optional<int> layer, bool cut) {
  std::vector<AttentionView> views = attention_views(trained, source, target, kind, cut);
  const int layers = layers_of(views);
  check(!layer || (*layer >= 0 && *layer < layers), "layer {} does not exist; this model's layers are 0 to {}",
        layer.value_or(0), layers - 1);
  if (layer) std::erase_if(views, [&](const AttentionView& view) { return view.layer != *layer; });
  const auto sharper = [](const AttentionView& a, const AttentionView& b) { return mean_entropy(a) < mean_entropy(b); };
  AttentionView sharpest = *std::min_element(views.begin(), views.end(), sharper);
  sharpest.title += fmt::format(", the sharpest (mean entropy {:.2f})", mean_entropy(sharpest));
  return sharpest;
}

std::vector<Link> found_links(const TrainedModel& trained, const Pair& pair) {
  check(trained.alignment.has_value(), "no layer and head were chosen for links: the validation set has no gold links");
  const AttentionView view = attention_view(trained, pair.source, pair.target, AttentionKind::cross, {}, {});
  const JudgedLinks judged(pair, trained.tokenisers);
  const std::vector<float> weights = judged.weights(view.weights, view.columns.size());  // <eos> left out
  const std::size_t sources = judged.pair().source.size();
  std::vector<Link> links;
  for (std::size_t j = 0; j < judged.pair().target.size(); ++j) {
    const auto is_here = [j](const Link& link) { return link.target == static_cast<int>(j); };
    if (std::none_of(judged.pair().links.begin(), judged.pair().links.end(), is_here)) continue;
    const auto row = weights.begin() + static_cast<std::ptrdiff_t>(j * sources);
    const auto best = std::max_element(row, row + static_cast<std::ptrdiff_t>(sources));
    links.push_back({static_cast<int>(best - row), static_cast<int>(j), true});
  }
  return links;
}

}  // namespace qkv
