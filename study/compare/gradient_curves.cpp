#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "qkv/study/compare/comparison_gradients.h"

namespace qkv {
namespace {

/// The mean norms of one sentence by distance.
struct SentenceCurve {
  std::map<int, std::pair<double, int>> sums;  // of norms, and how many

  void add(int distance, double norm) {
    if (norm == 0) return;  // not connected
    sums[distance].first += norm;
    ++sums[distance].second;
  }

  double mean() const {
    double sum = 0;
    int count = 0;
    for (const auto& [distance, part] : sums) {
      sum += part.first;
      count += part.second;
    }
    return sum / count;
  }
};

/// Adds up the curves of sentences.
class CurveOf {
 public:
  CurveOf(std::string of, std::string by) : of_(std::move(of)), by_(std::move(by)) {}

  void add(const SentenceCurve& sentence) {
    if (sentence.sums.empty()) return;
    const double mean = sentence.mean();
    for (const auto& [distance, part] : sentence.sums) {
      norms_[distance].push_back(part.first / part.second);
      shares_[distance].push_back(part.first / part.second / mean);
    }
  }

  GradientCurve curve() const {
    GradientCurve result{of_, by_, {}};
    for (const auto& [distance, norms] : norms_)
      result.points.push_back({distance, norms.size(), mean_interval(norms), mean_interval(shares_.at(distance))});
    return result;
  }

 private:
  std::string of_, by_;
  std::map<int, std::vector<double>> norms_, shares_;
};

/// The source word that each target word renders, where it has one sure link or several: the first of them.
std::map<int, int> linked_words(const Pair& pair) {
  std::map<int, int> linked;
  for (const Link& link : pair.links)
    if (link.sure) {
      const auto [at, is_new] = linked.emplace(link.target, link.source);
      if (!is_new) at->second = std::min(at->second, link.source);
    }
  return linked;
}

/// By the number of words behind word i, of which there are `words`.
SentenceCurve by_end(const NormMatrix& norms, int words) {
  SentenceCurve curve;
  for (int row = 0; row < norms.rows; ++row)
    for (int i = 0; i < words; ++i) curve.add(words - 1 - i, norms(row, i));
  return curve;
}

/// By |i − k|, k the source word that the row's target word is linked to.
SentenceCurve by_link(const NormMatrix& norms, const Pair& pair) {
  SentenceCurve curve;
  for (const auto& [t, k] : linked_words(pair))
    for (int i = 0; i < static_cast<int>(pair.source.size()); ++i) curve.add(std::abs(i - k), norms(t, i));
  return curve;
}

/// By |i − j|, for source words i and j.
SentenceCurve by_distance(const NormMatrix& norms, int words) {
  SentenceCurve curve;
  for (int j = 0; j < words; ++j)
    for (int i = 0; i < words; ++i) curve.add(std::abs(i - j), norms(j, i));
  return curve;
}

}  // namespace

std::vector<GradientCurve> gradient_curves(const std::vector<const TrainedModel*>& seeds,
                                           const std::vector<Pair>& for_loss, const std::vector<Pair>& for_jacobians,
                                           const StopFlag& stop) {
  CurveOf loss("loss", "end"), word_loss("word loss", "link"), encoder("encoder state", "distance"),
      decoder("decoder state", "link"), decoder_by_end("decoder state", "end");
  for (const TrainedModel* trained : seeds) {
    for (const Pair& pair : for_loss) {
      end_if(stop);
      const IdPair ids = ids_of(pair, trained->source, trained->target);
      loss.add(by_end(loss_gradient_norms(*trained->model, ids), static_cast<int>(pair.source.size())));
      if (!pair.links.empty()) word_loss.add(by_link(word_loss_gradient_norms(*trained->model, ids), pair));
    }
    for (const Pair& pair : for_jacobians) {
      end_if(stop);
      const IdPair ids = ids_of(pair, trained->source, trained->target);
      const int words = static_cast<int>(pair.source.size());
      encoder.add(by_distance(encoder_jacobian_norms(*trained->model, ids), words));
      const NormMatrix norms = decoder_jacobian_norms(*trained->model, ids);
      decoder.add(by_link(norms, pair));
      decoder_by_end.add(by_end(norms, words));
    }
  }
  std::vector<GradientCurve> curves;
  for (const CurveOf* curve : {&loss, &word_loss, &encoder, &decoder, &decoder_by_end})
    if (GradientCurve points = curve->curve(); !points.points.empty()) curves.push_back(std::move(points));
  return curves;
}

}  // namespace qkv
