#pragma once

#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace qkv {

/// The module whose forward pass this thread is in, such as "encoder.layers.0.self_attention", or nullptr. Set by
/// `InModule`; read by error messages and by every new node.
inline constinit thread_local const char* current_module = nullptr;

/// Sets the current module until the end of the block.
class InModule {
 public:
  /// The path must outlive everything that was recorded in it, since nodes keep pointing to it.
  explicit InModule(const std::string& path) : outer_(current_module) { current_module = path.c_str(); }
  explicit InModule(std::string&&) = delete;
  ~InModule() { current_module = outer_; }
  InModule(const InModule&) = delete;
  InModule& operator=(const InModule&) = delete;

 private:
  const char* outer_;
};

/// Throws std::invalid_argument with the message, and the module it happened in, unless `ok`.
template <class... Args>
void check(bool ok, fmt::format_string<Args...> message, Args&&... args) {
  if (ok) [[likely]]
    return;
  std::string text = fmt::format(message, std::forward<Args>(args)...);
  if (current_module != nullptr) text += fmt::format(" (in {})", current_module);
  throw std::invalid_argument(text);
}

}  // namespace qkv
