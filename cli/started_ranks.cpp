#include "cli/started_ranks.h"

#include <fmt/format.h>

#ifdef QKV_WITH_MPI
#include "cli/stop_signals.h"
#include "qkv/train/mpi/mpi_ranks.h"
#endif

namespace qkv::cli {

std::unique_ptr<Ranks> started_ranks() {
  if (processes_started() == 1) return std::make_unique<OneRank>();
#ifdef QKV_WITH_MPI
  return std::make_unique<MpiRanks>(stop_on_signals(false));
#else
  throw std::runtime_error(
      fmt::format("started as {} processes that are to train together, but this qkv was built without MPI. Install it "
                  "(Debian and Ubuntu: apt-get install libopenmpi-dev) and build again",
                  processes_started()));
#endif
}

}  // namespace qkv::cli
