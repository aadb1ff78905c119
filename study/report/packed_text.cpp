#include "qkv/study/report/packed_text.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <zlib.h>

namespace qkv {
namespace {

constexpr int best = 9, as_gzip = 16 + MAX_WBITS, most_memory = 9;

std::string gzipped(std::string_view text) {
  if (text.size() > std::numeric_limits<uInt>::max() / 2)
    throw std::length_error("more than 2 GB of text are to be packed");
  z_stream stream{};
  if (deflateInit2(&stream, best, Z_DEFLATED, as_gzip, most_memory, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // it is only read
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int end = deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  if (end != Z_STREAM_END) throw std::logic_error("zlib needs more room than it asked for");
  return bytes;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    unsigned three = 0;
    for (std::size_t i = 0; i < 3; ++i)
      three = three << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) text += i <= bytes.size() ? letters[three >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

}  // namespace

std::string packed(std::string_view text) { return base64(gzipped(text)); }

}  // namespace qkv
