#pragma once

#include "qkv/train/stop.h"

namespace qkv::cli {

/// From now on the first SIGINT (Ctrl-C), SIGTERM or SIGHUP sets the flag that is returned, and, if it `tells`, says
/// so on standard error; the same signal again ends the program at once. Signals that were ignored when the program
/// started, by nohup or a script, stay ignored.
const StopFlag& stop_on_signals(bool tells = true);

}  // namespace qkv::cli
