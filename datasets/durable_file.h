#pragma once

#include <string>
#include <string_view>

namespace qkv {

/// Writes a file so that a crash or a power cut leaves either the old file or the new one, never a part: the bytes go
/// to `path` + ".tmp", are flushed to the disk (fsync), and the name is moved over the old one; then the folder is
/// flushed as well, because it holds the name. A symbolic link is followed: the file it names is replaced.
///
/// Throws std::runtime_error with the path and the reason, and leaves the old file and no temporary one: no such
/// folder, a full disk, no permission, or a path that is not an ordinary file.
void write_durably(const std::string& path, std::string_view bytes);

/// The whole file. Throws std::runtime_error with the path and the reason.
std::string read_file(const std::string& path);

}  // namespace qkv
