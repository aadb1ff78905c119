#include "qkv/translation/metrics_log.h"

#include <fmt/format.h>
#include <iterator>

namespace qkv {
namespace {

/// Room for a line, so that none takes anything from the heap.
using Line = fmt::basic_memory_buffer<char, 500>;

}  // namespace

void MetricsLog::step(const Step& s) {
  Line line;
  fmt::format_to(std::back_inserter(line),
                 R"({{"step":{},"epoch":{},"loss":{},"lr":{},"gradient_norm":{},"tokens_per_second":{:.0f}}})"
                 "\n",
                 s.step, s.epoch, s.loss, s.lr, s.gradient_norm, s.tokens_per_second);
  lines_.write({line.data(), line.size()});
}

void MetricsLog::validation(const Validation& v) {
  Line line;
  fmt::format_to(std::back_inserter(line),
                 R"({{"step":{},"valid_loss":{},"valid_bleu":{},"valid_exact":{}}})"
                 "\n",
                 v.step, v.loss, v.bleu, v.exact_match);
  lines_.write({line.data(), line.size()});
}

}  // namespace qkv
