#pragma once

#include <string>
#include <string_view>

/// Korean verbs and adjectives are conjugated alike: a stem and an ending, and the stem may change before the ending.
namespace qkv::grammar {

/// What a stem does before an ending that begins with a vowel. Stems in 으, ㄹ and 하 need no mark: their change can be
/// seen from the stem itself.
enum class StemClass {
  regular,
  b,       ///< ㅂ becomes 우: 춥다, 추운
  b_to_o,  ///< ㅂ becomes 오 before 아 and 우 elsewhere: 돕다, 도왔습니다, 도운
  d,       ///< ㄷ becomes ㄹ: 듣다, 들었습니다
  reu,     ///< 르 becomes ㄹㄹ before 아 and 어: 고르다, 골랐습니다
  s,       ///< ㅅ is lost: 짓다, 지었습니다
  h,       ///< ㅎ is lost, and 아/어 becomes 애/에: 빨갛다, 빨간, 빨갰습니다
};

/// The class written as in the tables: "", "ㅂ", "ㅂ오", "ㄷ", "르", "ㅅ" or "ㅎ". Throws std::invalid_argument
/// otherwise.
StemClass stem_class(std::string_view name);

enum class Ending {
  declarative,       ///< -ㅂ니다/-습니다
  question,          ///< -ㅂ니까/-습니까
  past_declarative,  ///< -았습니다/-었습니다
  past_question,     ///< -았습니까/-었습니까
  go,                ///< -고: and
  ji,                ///< -지: before 않다, not
  neun,              ///< -는: present adnominal of verbs
  eun,               ///< -ㄴ/-은: past adnominal of verbs, present adnominal of adjectives
  eul,               ///< -ㄹ/-을: future adnominal, and before 것입니다
};

/// The stem with the ending: conjugate("듣", StemClass::d, Ending::past_declarative) is 들었습니다.
std::string conjugate(std::string_view stem, StemClass stem_class, Ending ending);

}  // namespace qkv::grammar
