#pragma once

#include <string>
#include <string_view>

namespace qkv {

/// Writes a file so that a crash or a power cut leaves either the old file or the new one, never a part: the bytes go
/// to a new file beside it, are flushed to the disk (fsync), and the name is moved over the old one; then the folder is
/// flushed as well, because it holds the name. The new file has a name that nobody has (see is_temporary_of), whatever
/// else lies in the folder; only a program that is killed leaves it behind. A symbolic link is followed: the file it
/// names is replaced. A file that is replaced keeps its permissions.
///
/// Throws std::runtime_error with the path and the reason, and leaves the old file and no temporary one: no such
/// folder, a full disk, no permission, or a path that is not an ordinary file; std::invalid_argument for an empty path.
void write_durably(const std::string& path, std::string_view bytes);

/// Removes the file, if there is one. Throws std::runtime_error with the path and the reason.
void remove_file(const std::string& path);

/// Whether this is the name of a file that write_durably begins with before it becomes `file`, both without folders:
/// the file's name (its first 242 bytes), ".", eight letters and ".tmp".
bool is_temporary_of(const std::string& name, const std::string& file);

/// The whole file, or all that is written to a pipe. Throws std::runtime_error with the path and the reason: it cannot
/// be opened or read, is a folder or a device, does not fit into memory, changed while it was read, or is a pipe that
/// nobody has opened to write within five seconds.
std::string read_file(const std::string& path);

}  // namespace qkv
