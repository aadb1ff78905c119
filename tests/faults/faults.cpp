// Loaded before the C library (LD_PRELOAD), it lets one call to the system fail: the one with the number QKV_FAULT_AT,
// from 1, among those that change files. QKV_FAULT says how:
//   kill      the process is killed before the call, as by SIGKILL or a power cut
//   full      the call fails with ENOSPC, as on a full disk
//   short     a write writes half of its bytes; other calls go through
//   changes   before the call to read with that number the file grows by a byte
// QKV_FAULT_LOG names a file that gets a line for each call that is counted.
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

template <class Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is(const char* kind) {
  const char* fault = std::getenv("QKV_FAULT");
  return fault != nullptr && std::strcmp(fault, kind) == 0;
}

/// Counts a call; whether it is the one that fails.
bool is_hit(const char* call) {
  static int count = 0;
  ++count;
  if (const char* log = std::getenv("QKV_FAULT_LOG")) {
    const int file = original<int(const char*, int, ...)>("open")(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    char line[64];
    const int length = std::snprintf(line, sizeof line, "%d %s\n", count, call);
    [[maybe_unused]] const auto written =
        original<ssize_t(int, const void*, size_t)>("write")(file, line, static_cast<size_t>(length));
    ::close(file);
  }
  const char* at = std::getenv("QKV_FAULT_AT");
  if (at == nullptr || count != std::atoi(at)) return false;
  if (is("kill")) ::raise(SIGKILL);
  if (is("full")) errno = ENOSPC;
  return true;
}

bool fails(const char* call) { return is_hit(call) && is("full"); }

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & O_CREAT) != 0 && fails("open")) return -1;
  return original<int(const char*, int, ...)>("open")(path, flags, mode);
}

ssize_t write(int file, const void* bytes, size_t count) {
  const bool hit = file > STDERR_FILENO && is_hit("write");
  if (hit && is("full")) return -1;
  return original<ssize_t(int, const void*, size_t)>("write")(file, bytes,
                                                              hit && is("short") ? (count + 1) / 2 : count);
}

ssize_t read(int file, void* bytes, size_t count) {
  struct stat status {};
  if (is("changes") && ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && is_hit("read")) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const int again = original<int(const char*, int, ...)>("open")(path, O_WRONLY | O_APPEND);
    [[maybe_unused]] const auto written = original<ssize_t(int, const void*, size_t)>("write")(again, "\n", 1);
    ::close(again);
  }
  return original<ssize_t(int, void*, size_t)>("read")(file, bytes, count);
}

int fsync(int file) { return fails("fsync") ? -1 : original<int(int)>("fsync")(file); }

int fflush(FILE* file) {
  const bool is_file = file != nullptr && ::fileno(file) > STDERR_FILENO;
  return is_file && fails("fflush") ? EOF : original<int(FILE*)>("fflush")(file);
}

int rename(const char* from, const char* to) {
  return fails("rename") ? -1 : original<int(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) { return fails("unlink") ? -1 : original<int(const char*)>("unlink")(path); }

int remove(const char* path) { return fails("remove") ? -1 : original<int(const char*)>("remove")(path); }

int mkdir(const char* path, mode_t mode) {
  return fails("mkdir") ? -1 : original<int(const char*, mode_t)>("mkdir")(path, mode);
}

FILE* fopen(const char* path, const char* mode) {
  const bool is_written = std::strpbrk(mode, "wa+") != nullptr;
  return is_written && fails("fopen") ? nullptr : original<FILE*(const char*, const char*)>("fopen")(path, mode);
}

}  // extern "C"
