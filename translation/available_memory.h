#pragma once

namespace qkv {

/// How many bytes this process can have: the machine's memory and swap, or less where it is limited (ulimit -v).
double available_bytes();

}  // namespace qkv
