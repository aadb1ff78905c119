#pragma once

#include <string>
#include <string_view>

namespace qkv {

/// The text as gzip packs it (RFC 1952), written in base64 (RFC 4648, section 4): what `base64 -d | gunzip` gives back.
/// The same text is packed into the same bytes at any time.
std::string packed(std::string_view text);

}  // namespace qkv
