#pragma once

#include <cstdint>

#include "qkv/autograd/named.h"

namespace qkv {

enum class ScheduleKind { constant, noam, cosine };
constexpr std::array<Named<ScheduleKind>, 3> names_of(ScheduleKind) {
  return {{{ScheduleKind::constant, "constant"}, {ScheduleKind::noam, "noam"}, {ScheduleKind::cosine, "cosine"}}};
}

/// How the learning rate changes with the step t = 1, 2, …. All rise linearly to `rate` over the first `warmup` steps;
/// then
///   constant: stays there
///   noam:     rate · √(warmup / t): with rate = (d_model · warmup)^-½, equation 3 of Vaswani et al. 2017
///   cosine:   rate · ½ (1 + cos(π (t − warmup − 1) / (total − warmup))): falls towards 0 at the last step
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double rate = 1e-3;
  std::int64_t warmup = 0;
  std::int64_t total = 0;  ///< the number of steps, for cosine

  double operator()(std::int64_t step) const;
};

}  // namespace qkv
