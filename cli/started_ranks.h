#pragma once

#include <memory>

#include "qkv/train/ranks.h"

namespace qkv::cli {

/// The processes as which mpirun has started this command: one, unless it was started so. Where there are several,
/// signals are watched from now on (see stop_on_signals), because mpirun tells of a lost process by one. Throws
/// std::runtime_error where there are several and qkv was built without MPI.
std::unique_ptr<Ranks> started_ranks();

}  // namespace qkv::cli
