#include "qkv/datasets/korean_english/conjugation.h"

#include <fmt/format.h>
#include <stdexcept>
#include <vector>

#include "qkv/autograd/check.h"
#include "qkv/datasets/korean_english/hangul.h"

namespace qkv::grammar {
namespace {

using Syllables = std::vector<Syllable>;

bool is_bright(int v) { return v == vowel::a || v == vowel::ya || v == vowel::o; }

/// The stem before -ㅂ니다/-습니다 and -는, which drop a final ㄹ.
Syllables without_final_l(Syllables stem) {
  if (stem.back().tail == tail::l) stem.back().tail = tail::none;
  return stem;
}

/// The stem with a consonant `final` (ㄴ or ㄹ) on it, or with 은/을 after a stem that ends in a consonant.
Syllables with_eu_ending(Syllables stem, StemClass stem_class, int final) {
  Syllable& last = stem.back();
  switch (stem_class) {
    case StemClass::b:
    case StemClass::b_to_o:
      last.tail = tail::none;
      stem.push_back({lead::silent, vowel::u, final});
      return stem;
    case StemClass::d:
      last.tail = tail::l;
      stem.push_back({lead::silent, vowel::eu, final});
      return stem;
    case StemClass::s:
      last.tail = tail::none;
      stem.push_back({lead::silent, vowel::eu, final});
      return stem;
    case StemClass::h:
      last.tail = final;
      return stem;
    case StemClass::regular:
    case StemClass::reu:
      break;
  }
  if (last.tail == tail::none || last.tail == tail::l) {
    last.tail = final;
  } else {
    stem.push_back({lead::silent, vowel::eu, final});
  }
  return stem;
}

/// A stem that ends in a vowel, with 았/었 drawn into its last syllable where Korean does so.
Syllables contracted_past(Syllables stem) {
  Syllable& last = stem.back();
  if (last == Syllable{18, vowel::a, tail::none}) {  // 하 + 였 → 했
    last = {18, vowel::ae, tail::ss};
    return stem;
  }
  switch (last.vowel) {
    case vowel::a:
    case vowel::ae:
    case vowel::eo:
    case vowel::e:
    case vowel::yeo:
      last.tail = tail::ss;
      return stem;
    case vowel::o:
      last = {last.lead, vowel::wa, tail::ss};
      return stem;
    case vowel::u:
      last = {last.lead, vowel::wo, tail::ss};
      return stem;
    case vowel::oe:
      last = {last.lead, vowel::wae, tail::ss};
      return stem;
    case vowel::i:
      last = {last.lead, vowel::yeo, tail::ss};
      return stem;
    case vowel::eu: {  // ㅡ is lost; the syllable before it decides between 아 and 어
      const bool bright = stem.size() > 1 && is_bright(stem[stem.size() - 2].vowel);
      last = {last.lead, bright ? vowel::a : vowel::eo, tail::ss};
      return stem;
    }
    default:
      stem.push_back({lead::silent, vowel::eo, tail::ss});
      return stem;
  }
}

/// The stem with 았/었.
Syllables past(Syllables stem, StemClass stem_class) {
  Syllable& last = stem.back();
  switch (stem_class) {
    case StemClass::b:
    case StemClass::b_to_o:
      last.tail = tail::none;
      stem.push_back({lead::silent, stem_class == StemClass::b ? vowel::wo : vowel::wa, tail::ss});
      return stem;
    case StemClass::h:
      last.tail = tail::ss;
      last.vowel = last.vowel == vowel::ya ? vowel::yae : last.vowel == vowel::a ? vowel::ae : vowel::e;
      return stem;
    case StemClass::reu:
      stem.pop_back();
      stem.back().tail = tail::l;
      stem.push_back({lead::r, is_bright(stem.back().vowel) ? vowel::a : vowel::eo, tail::ss});
      return stem;
    case StemClass::d:
      last.tail = tail::l;
      break;
    case StemClass::s:
      last.tail = tail::none;
      break;
    case StemClass::regular:
      if (last.tail == tail::none) return contracted_past(stem);
      break;
  }
  stem.push_back({lead::silent, is_bright(last.vowel) ? vowel::a : vowel::eo, tail::ss});
  return stem;
}

std::string polite(const Syllables& stem, const char* ending) {
  Syllables base = without_final_l(stem);
  if (base.back().tail != tail::none) return compose(base) + "습" + ending;
  base.back().tail = tail::b;
  return compose(base) + ending;
}

/// The final consonant that the stem must have to belong to its class.
void check_class(std::string_view stem, const Syllables& syllables, StemClass stem_class) {
  const Syllable& last = syllables.back();
  const bool fits = [&] {
    switch (stem_class) {
      case StemClass::regular:
        return true;
      case StemClass::b:
      case StemClass::b_to_o:
        return last.tail == tail::b;
      case StemClass::d:
        return last.tail == tail::d;
      case StemClass::s:
        return last.tail == tail::s;
      case StemClass::h:
        return last.tail == tail::h;
      case StemClass::reu:
        return syllables.size() > 1 && last == Syllable{lead::r, vowel::eu, tail::none};
    }
    return false;
  }();
  check(fits, "conjugate: the stem '{}' does not end as its class does", stem);
}

}  // namespace

StemClass stem_class(std::string_view name) {
  if (name.empty()) return StemClass::regular;
  if (name == "ㅂ") return StemClass::b;
  if (name == "ㅂ오") return StemClass::b_to_o;
  if (name == "ㄷ") return StemClass::d;
  if (name == "르") return StemClass::reu;
  if (name == "ㅅ") return StemClass::s;
  if (name == "ㅎ") return StemClass::h;
  throw std::invalid_argument(fmt::format("conjugate: there is no class of stems '{}'", name));
}

std::string conjugate(std::string_view stem, StemClass stem_class, Ending ending) {
  const Syllables syllables = decompose(stem);
  check(!syllables.empty(), "conjugate: the stem is empty");
  check_class(stem, syllables, stem_class);
  switch (ending) {
    case Ending::declarative:
      return polite(syllables, "니다");
    case Ending::question:
      return polite(syllables, "니까");
    case Ending::past_declarative:
      return polite(past(syllables, stem_class), "니다");
    case Ending::past_question:
      return polite(past(syllables, stem_class), "니까");
    case Ending::go:
      return compose(syllables) + "고";
    case Ending::ji:
      return compose(syllables) + "지";
    case Ending::neun:
      return compose(without_final_l(syllables)) + "는";
    case Ending::eun:
      return compose(with_eu_ending(syllables, stem_class, tail::n));
    case Ending::eul:
      return compose(with_eu_ending(syllables, stem_class, tail::l));
  }
  throw std::invalid_argument("conjugate: there is no such ending");
}

}  // namespace qkv::grammar
