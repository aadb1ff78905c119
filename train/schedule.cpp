#include "qkv/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qkv {

double Schedule::operator()(std::int64_t step) const {
  const auto t = static_cast<double>(step), w = static_cast<double>(warmup);
  if (step < warmup) return rate * t / w;
  switch (kind) {
    case ScheduleKind::constant:
      return rate;
    case ScheduleKind::noam:
      return rate * std::sqrt(std::max(w, 1.0) / t);
    case ScheduleKind::cosine: {
      const double way = static_cast<double>(std::max<std::int64_t>(total - warmup, 1));
      const double done = std::clamp((t - w - 1) / way, 0.0, 1.0);
      return rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
    }
  }
  return rate;
}

}  // namespace qkv
