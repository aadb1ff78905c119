#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// A text that is no JSON. what() says what is wrong; whoever knows the file says where.
class HeaderError : public std::runtime_error {
 public:
  HeaderError(std::size_t at, const std::string& what) : std::runtime_error(what), byte(at) {}
  std::size_t byte;  ///< the number, from 1, of the byte that is wrong or, in something that is wrong, the last
};

/// Reads JSON (RFC 8259) from its beginning to its end, one value after the other, as the header of a safetensors file
/// holds it. It keeps nothing of what it has read but the names in objects that are still open. Everything here throws
/// HeaderError where the text is no JSON or not UTF-8, where a name occurs twice in one object, and where lists and
/// objects are inside each other more than 16 deep.
class HeaderReader {
 public:
  enum class Kind { string, number, object, list, literal };  // the literals are true, false and null

  explicit HeaderReader(std::string_view text) : text_(text) {}

  /// What the value is that comes next.
  Kind next();

  /// Reads a value of this kind. A number is returned as it is written.
  std::string read_string();
  std::string read_number();
  /// `entry` and `item` are called before each value in it, which they must read.
  void read_object(const std::function<void(const std::string& name)>& entry);
  void read_list(const std::function<void()>& item);

  /// Reads a value of whatever kind, and returns it for a message: "a list", "an object", others cut where they are
  /// long.
  std::string read_over();

  /// Nothing but space may follow.
  void read_end();

 private:
  [[noreturn]] void fail(std::size_t byte, const std::string& what) const { throw HeaderError(byte, what); }
  [[noreturn]] void fail_expecting(std::string_view what) const;

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void read_space();
  bool read_if(char wanted);
  void open(char bracket);
  std::size_t read_digits();
  std::string read_literal();
  void read_escape(std::string& result);
  unsigned read_four_digits();

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;  // the name of the entry that is being read, for each object and list; "" in lists
};

/// A text as a string of JSON, in quotes. Throws std::invalid_argument where it is not UTF-8.
std::string json_string(std::string_view text);

}  // namespace qkv
