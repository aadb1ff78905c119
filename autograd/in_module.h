#pragma once

#include <string>

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

}  // namespace qkv
