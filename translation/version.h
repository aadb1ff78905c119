#pragma once

namespace qkv {

/// The version of qkv, as `qkv --version` and config.json give it.
extern const char* const version;

}  // namespace qkv
