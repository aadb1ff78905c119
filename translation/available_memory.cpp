// The only file that depends on Linux: everything else is C++20 and POSIX, or what all its systems have in common.

#include "qkv/translation/available_memory.h"

#include <algorithm>
#include <sys/resource.h>
#include <sys/sysinfo.h>

namespace qkv {

double available_bytes() {
  struct sysinfo machine {};
  double available = 1e30;
  if (::sysinfo(&machine) == 0)
    available = (static_cast<double>(machine.totalram) + static_cast<double>(machine.totalswap)) * machine.mem_unit;
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    available = std::min(available, static_cast<double>(limit.rlim_cur));
  return available;
}

}  // namespace qkv
