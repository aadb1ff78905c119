#pragma once

#include <string>

/// Korean marks what a noun does in the sentence with a particle written onto it: 책 book, 책을 a book as the object.
namespace qkv::grammar {

enum class Particle {
  none,
  topic,       ///< 은/는: what the sentence is about; rendered by a definite noun phrase
  nominative,  ///< 이/가: the subject
  accusative,  ///< 을/를: the object
  with,        ///< 와/과: company (with), or a list (and)
  dative,      ///< 에게: the receiver (to)
  in,          ///< 에: where something is (in), or where someone goes (to)
  at,          ///< 에서: where something happens (at, in)
  toward,      ///< 으로/로: the direction (toward)
};

/// `noun` with its particle, whose form depends on the final consonant: 책은 but 사과는, 책과 but 사과와, 공원으로 but
/// 학교로 and, after ㄹ, 서울로.
std::string with_particle(const std::string& noun, Particle particle);

}  // namespace qkv::grammar
