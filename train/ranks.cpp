#include "qkv/train/ranks.h"

#include <charconv>
#include <cstdlib>
#include <fmt/format.h>

namespace qkv {

bool Ranks::any(bool here) {
  double count = here ? 1 : 0;
  sum(std::span(&count, 1));
  return count > 0;
}

void Ranks::share_first(std::span<double> numbers) {
  if (!is_first())
    for (double& number : numbers) number = 0;
  sum(numbers);
}

void Ranks::check_same(std::uint64_t number, std::string_view what, std::string_view advice) {
  // Two halves, because a double holds 53 bits exactly and not 64.
  const double here[] = {static_cast<double>(number >> 32), static_cast<double>(number & 0xffffffffu)};
  double first[] = {here[0], here[1]};
  share_first(first);
  if (any(first[0] != here[0] || first[1] != here[1])) {
    agree(std::make_exception_ptr(
        std::runtime_error(fmt::format("{} differs between the processes that train together; {}", what, advice))));
  }
}

void Ranks::agree(const std::exception_ptr& failure) {
  if (size() == 1) {
    if (failure) std::rethrow_exception(failure);
    return;
  }
  if (!any(failure != nullptr)) return;
  std::vector<double> failed(size());
  failed[rank()] = failure ? 1 : 0;
  sum(failed);
  failed_together_ = true;
  int first = 0;
  while (failed[first] == 0) ++first;
  if (first == rank()) std::rethrow_exception(failure);
  another_says_why_ = true;
  throw RankLost(fmt::format("process {} of {} has failed, and says why itself", first, size()));
}

int processes_started() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    const std::string_view digits = text;
    int count = 1;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return count;
  }
  return 1;
}

}  // namespace qkv
