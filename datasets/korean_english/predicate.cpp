#include "qkv/datasets/korean_english/realise.h"

namespace qkv::grammar {
namespace {

/// The ending of the word that closes the clause; a final future is -ㄹ/-을 with 것입니다 after it.
Ending ending(const ClauseForm& form, bool adjective) {
  if (form.form == Form::joined) return Ending::go;
  if (form.tense == Tense::future) return Ending::eul;
  const bool past = form.tense == Tense::past;
  if (form.form == Form::adnominal) return past || adjective ? Ending::eun : Ending::neun;
  if (form.question) return past ? Ending::past_question : Ending::question;
  return past ? Ending::past_declarative : Ending::declarative;
}

/// Whether English forms the predicate with *be*.
bool is_be(const Predicate& predicate) {
  return predicate.is_adjective() || predicate.frame == Frame::existence || predicate.frame == Frame::location;
}

}  // namespace

/// [안] verb [것입니다], or verb-지 않다 [것입니다], or the negative stem [것입니다].
void Realiser::korean_predicate(const Clause& clause, const ClauseForm& form, Complex& complex) {
  const Predicate& predicate = *clause.predicate;
  const Ending last = ending(form, predicate.is_adjective());
  const bool suppletive = clause.negated && predicate.negation == Negation::suppletive;
  const std::string& stem = suppletive ? predicate.negative_stem : predicate.stem;
  const StemClass kind = suppletive ? predicate.negative_class : predicate.stem_class;
  const auto add = [&](const std::string& word) {
    complex.korean.push_back(korean(word));
    return complex.korean.back().number;
  };
  int negative = -1;
  if (clause.negated && predicate.negation == Negation::an) negative = add("안");
  if (clause.negated && predicate.negation == Negation::ji) {
    complex.lexical = add(conjugate(stem, kind, Ending::ji));
    complex.finite = negative = add(conjugate("않", StemClass::regular, last));
  } else {
    complex.lexical = complex.finite = add(conjugate(stem, kind, last));
    if (suppletive) negative = complex.finite;
  }
  if (clause.negated) complex.negation.push_back({"not", {negative}, {}});
  if (form.form == Form::final && form.tense == Tense::future)
    complex.finite = add(form.question ? "것입니까" : "것입니다");
}

/// English: *be* with adjectives and places, *do* in questions and with *not*, *will* in the future.
Complex Realiser::predicate(const Clause& clause, const ClauseForm& form, Agreement agreement) {
  const Predicate& predicate = *clause.predicate;
  Complex complex;
  korean_predicate(clause, form, complex);
  const std::vector<int> lexical{complex.lexical};
  std::vector<int> be_links = lexical;  // *be* has no word of its own: the predicate, and the word with the ending
  if (complex.finite != complex.lexical) be_links.push_back(complex.finite);

  const bool past = form.tense == Tense::past, future = form.tense == Tense::future;
  const bool bare = form.shared && (form.question || predicate.is_adjective());  // the first clause's auxiliary serves
  const bool be = is_be(predicate);
  if (future && !bare) complex.auxiliary.push_back({"will", {}, {complex.finite}});
  if (be) {
    if (future && !bare) {
      complex.main.push_back({"be", {}, be_links});
    } else if (!bare) {
      complex.auxiliary.push_back({past ? be_past(agreement) : be_present(agreement), {}, be_links});
    }
    if (predicate.is_adjective()) complex.main.push_back({predicate.english, lexical, {}});
    return complex;
  }
  const bool helped = form.question || clause.negated;
  if (helped && !future && !bare)
    complex.auxiliary.push_back({past ? "did" : do_present(agreement), {}, {complex.finite}});
  const bool base = future || helped;
  const std::string word = base ? predicate.english : past ? predicate.past : present(predicate.english, agreement);
  complex.main.push_back({word, lexical, {}});
  return complex;
}

}  // namespace qkv::grammar
