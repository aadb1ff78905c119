#include "qkv/translation/decoding.h"

#include <algorithm>
#include <cmath>

#include "qkv/train/not_finite.h"

namespace qkv {
namespace {

/// A translation that is followed, and its row in the decoder's batch.
struct Hypothesis {
  Translation translation;
  int row = 0;
};

/// A word that may go on a hypothesis, and the probability of both together.
struct Candidate {
  double log_probability;
  std::size_t hypothesis;
  std::int32_t word;

  /// The likelier first; of equal ones the earlier hypothesis and the smaller word, so that the order is always the
  /// same.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
    return std::pair(a.hypothesis, a.word) < std::pair(b.hypothesis, b.word);
  }
};

/// The search for the translation of one sentence.
class Search {
 public:
  Search(int max_words, const DecodingOptions& options) : max_words_(max_words), options_(options) {
    live_.emplace_back();
  }

  std::vector<Hypothesis>& live() { return live_; }

  /// Goes on by one word, given the logits of every row of the decoder's batch.
  template <class T>
  void go_on(View<T> logits) {
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < live_.size(); ++i) add_candidates(logits.row_block(live_[i].row, 1), i, candidates);
    const std::size_t wanted = std::min(static_cast<std::size_t>(options_.beam) - finished_.size(), candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(wanted), candidates.end());
    std::vector<Hypothesis> next;
    for (std::size_t k = 0; k < wanted; ++k) {
      const Candidate& candidate = candidates[k];
      Hypothesis hypothesis = live_[candidate.hypothesis];
      const bool is_full = static_cast<int>(hypothesis.translation.words.size()) == max_words_;
      hypothesis.translation.cut = is_full && candidate.word != eos_id;
      if (!hypothesis.translation.cut) hypothesis.translation.log_probability = candidate.log_probability;
      if (candidate.word != eos_id && !is_full) hypothesis.translation.words.push_back(candidate.word);
      (candidate.word == eos_id || is_full ? finished_ : next).push_back(std::move(hypothesis));
    }
    live_ = std::move(next);
  }

  Translation best() const {
    const auto found =
        std::min_element(finished_.begin(), finished_.end(), [&](const Hypothesis& a, const Hypothesis& b) {
          if (a.translation.cut != b.translation.cut) return b.translation.cut;
          return score(a.translation) > score(b.translation);
        });
    return found->translation;
  }

 private:
  template <class T>
  void add_candidates(View<T> logits, std::size_t hypothesis, std::vector<Candidate>& candidates) const {
    const T* row = logits.data;
    const T largest = *std::max_element(row, row + logits.columns);
    double sum = 0;
    for (int word = 0; word < logits.columns; ++word) sum += std::exp(static_cast<double>(row[word] - largest));
    const double base = live_[hypothesis].translation.log_probability - static_cast<double>(largest) - std::log(sum);
    const std::size_t before = candidates.size();
    for (int word = eos_id; word < logits.columns; ++word)
      if (word != unknown_id) candidates.push_back({base + static_cast<double>(row[word]), hypothesis, word});
    // No more than the beam's width of them can be taken.
    const auto width = static_cast<std::ptrdiff_t>(options_.beam);
    const auto begin = candidates.begin() + static_cast<std::ptrdiff_t>(before);
    if (candidates.end() - begin <= width) return;
    std::nth_element(begin, begin + width, candidates.end());
    candidates.erase(begin + width, candidates.end());
  }

  double score(const Translation& translation) const {
    const double length = static_cast<double>(translation.words.size() + (translation.cut ? 0 : 1));
    return translation.log_probability / std::pow((5 + length) / 6, options_.length_penalty);
  }

  int max_words_;
  DecodingOptions options_;
  std::vector<Hypothesis> live_, finished_;
};

/// Of words whose logits are NaN none is the most likely, and the first would be taken in silence.
template <class T>
bool are_finite(Var<T> logits) {
  return std::all_of(logits.data(), logits.data() + logits.size(), [](T x) { return std::isfinite(x); });
}

/// Says where the numbers began not to be finite: in the last step, which is on the tape, or before, in the encoder.
template <class T>
[[noreturn]] void report_not_finite(const Seq2Seq<T>& model, const Tokens& source, Tape<T>& tape) {
  const std::string in_step = first_not_finite_on(tape);
  tape.rewind();
  model.decode(source, 1);
  const std::string in_encoder = first_not_finite_on(tape);
  throw std::runtime_error(fmt::format("decoding: the model's scores of the next word are not finite; {}",
                                       in_encoder.empty() ? in_step : in_encoder));
}

}  // namespace

template <class T>
std::vector<Translation> translate(const Seq2Seq<T>& model, const Tokens& source, std::span<const int> max_words,
                                   const DecodingOptions& options, const StopFlag& stop) {
  check(options.beam >= 1 && options.beam <= 1000, "decoding: a beam of {} is not within 1 and 1000", options.beam);
  check(options.length_penalty >= 0 && options.length_penalty <= 10,
        "decoding: length penalty {} is not within 0 and 10", options.length_penalty);
  check(static_cast<int>(max_words.size()) == source.batch, "decoding: {} limits for {} sentences", max_words.size(),
        source.batch);
  if (max_words.empty()) return {};
  std::vector<Search> searches;
  int longest = 0;
  for (std::size_t i = 0; i < max_words.size(); ++i) {
    const int limit = std::min(max_words[i], model.most_target_words());
    searches.emplace_back(limit, options);
    searches.back().live().front().row = static_cast<int>(i);
    longest = std::max(longest, limit);
  }
  Tape<T> tape;
  const Recording recording(tape);
  end_if(stop);
  const auto decoding = model.decode(source, longest + 1);
  tape.rewind();

  std::vector<int> last(max_words.size(), bos_id);
  while (!last.empty()) {
    end_if(stop);
    const Var<T> next = decoding->next(last);
    if (!are_finite(next)) report_not_finite(model, source, tape);
    const View<T> logits = next.rows();
    std::vector<int> rows;  // of the batch so far, for each hypothesis that goes on
    last.clear();
    for (Search& search : searches) {
      if (search.live().empty()) continue;
      search.go_on(logits);
      for (Hypothesis& hypothesis : search.live()) {
        rows.push_back(hypothesis.row);
        last.push_back(hypothesis.translation.words.back());
        hypothesis.row = static_cast<int>(rows.size()) - 1;
      }
    }
    bool unchanged = static_cast<int>(rows.size()) == logits.rows;
    for (std::size_t i = 0; unchanged && i < rows.size(); ++i) unchanged = rows[i] == static_cast<int>(i);
    tape.rewind();
    if (!unchanged && !rows.empty()) decoding->select(rows);
  }
  std::vector<Translation> translations;
  for (const Search& search : searches) translations.push_back(search.best());
  return translations;
}

template std::vector<Translation> translate<float>(const Seq2Seq<float>&, const Tokens&, std::span<const int>,
                                                   const DecodingOptions&, const StopFlag&);
template std::vector<Translation> translate<double>(const Seq2Seq<double>&, const Tokens&, std::span<const int>,
                                                    const DecodingOptions&, const StopFlag&);

}  // namespace qkv
