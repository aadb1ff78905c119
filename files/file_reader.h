#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>

namespace qkv {

/// Reads a file, or what is written to a pipe, from its beginning to its end. Everything here throws std::runtime_error
/// with the path and the reason: it cannot be opened or read, is a folder or a device, changed while it was read, or is
/// a pipe that nobody has opened to write within five seconds.
class FileReader {
 public:
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Reads the next bytes, `size` of them or, where the file ends before, fewer.
  std::size_t read(char* bytes, std::size_t size);

  /// How long the file was when it was opened: only a hint, for a pipe has no size.
  std::size_t size_when_opened() const { return size_when_opened_; }

 private:
  void check_unchanged() const;
  void wait_for_writer();

  std::string path_;
  int file_;
  bool is_pipe_ = false;
  bool has_ended_ = false;
  std::size_t size_when_opened_ = 0, read_ = 0;
  timespec changed_{};  // when, as it was opened
  int tenths_ = 0;      // of a second in which nobody had opened the pipe to write
};

}  // namespace qkv
