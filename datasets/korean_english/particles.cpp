#include "qkv/datasets/korean_english/particles.h"

#include "qkv/datasets/korean_english/hangul.h"

namespace qkv::grammar {

std::string with_particle(const std::string& noun, Particle particle) {
  const int final = final_consonant(noun);
  const bool closed = final != tail::none;
  switch (particle) {
    case Particle::none:
      return noun;
    case Particle::topic:
      return noun + (closed ? "은" : "는");
    case Particle::nominative:
      return noun + (closed ? "이" : "가");
    case Particle::accusative:
      return noun + (closed ? "을" : "를");
    case Particle::with:
      return noun + (closed ? "과" : "와");
    case Particle::dative:
      return noun + "에게";
    case Particle::in:
      return noun + "에";
    case Particle::at:
      return noun + "에서";
    case Particle::toward:
      return noun + (closed && final != tail::l ? "으로" : "로");
  }
  return noun;
}

}  // namespace qkv::grammar
