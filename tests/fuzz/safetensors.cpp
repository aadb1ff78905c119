// A safetensors file that is accepted is written and read back as the same tensors.

#include "qkv/files/safetensors.h"

#include "tests/fuzz/fuzz.h"

using namespace qkv;

namespace {

void require_same(const SafetensorsFile& a, const SafetensorsFile& b) {
  require(a.metadata() == b.metadata(), "metadata is read back");
  require(a.tensors().size() == b.tensors().size(), "no tensor is lost");
  for (std::size_t i = 0; i < a.tensors().size(); ++i) {
    const StoredTensor &x = a.tensors()[i], &y = b.tensors()[i];
    require(x.name == y.name && x.dtype == y.dtype && x.shape == y.shape && x.bytes == y.bytes,
            "tensors are read back in their order");
    require(&a.tensor(x.name) == &x, "a tensor is found by its name");
    require(x.count() * dtype_size(x.dtype) == x.bytes.size(), "the bytes are whole numbers");
    if (x.dtype == Dtype::F32 || x.dtype == Dtype::F64) require(x.as<double>().size() == x.count(), "they are read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(text_of(data, size)), name = "input.safetensors";
  accepts(name, [&] {
    const SafetensorsFile file = SafetensorsFile::parse(input, name);
    static const std::string path = fuzz_folder() + "/copy.safetensors";
    write_safetensors(path, file.tensors(), file.metadata());
    require_same(file, SafetensorsFile::read(path));
  });
  accepts(name, [&] { SafetensorsFile::parse(input, name).tensor("encoder.norm.weight"); });
  return 0;
}
