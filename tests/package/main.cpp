// Calls something of every library, so that all they need is linked.

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "qkv/autograd/gemm.h"
#include "qkv/datasets/text.h"
#include "qkv/files/safetensors.h"
#include "qkv/study/gradchecks.h"
#include "qkv/translation/transformer.h"

int main() {
  using namespace qkv;
  const bool normalised = compose("\u1100\u1161") == "\uac00";  // utf8proc
  Transformer<float> model(
      {.source_vocabulary = 5, .target_vocabulary = 5, .d_model = 8, .heads = 2, .layers = 1, .ff = 8});
  model.parameters().initialise(1);
  std::vector<float> a(128 * 128, 1.0F), c(a.size());
  gemm<float>({a.data(), 128, 128, 128, false}, {a.data(), 128, 128, 128, false}, {c.data(), 128, 128, 128, false});
  const std::vector<float> values(3, 1.0F);
  const StoredTensor tensor = StoredTensor::of<float>("x", {3}, values);
  write_safetensors("package_test.safetensors", std::span(&tensor, 1));
  const bool read = SafetensorsFile::read("package_test.safetensors").contains("x");
  const bool exact =
      std::all_of(gradchecks().begin(), gradchecks().end(), [](const auto& check) { return check.run(1).passed; });
  fmt::print("package: {}\n", normalised && c[0] == 128 && read && exact ? "works" : "does not work");
}
