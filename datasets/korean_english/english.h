#pragma once

#include <string>

/// The rules of English spelling that the translations need; what is irregular stands in the tables.
namespace qkv::grammar {

/// Who the verb agrees with: I, he/she/it, or we/they.
enum class Agreement { first, third, plural };

/// The present of a verb: read, reads; wash, washes; study, studies; have, has.
std::string present(const std::string& verb, Agreement agreement);

/// The past of a regular verb: learn, learned; like, liked; cry, cried. Verbs that double a consonant or change a vowel
/// have their past in the table.
std::string regular_past(const std::string& verb);

/// The plural of a regular noun: book, books; box, boxes; dictionary, dictionaries.
std::string regular_plural(const std::string& noun);

/// "a" or "an", by the sound of the word that follows.
std::string indefinite_article(const std::string& next_word);

std::string be_present(Agreement agreement);  ///< am, is, are
std::string be_past(Agreement agreement);     ///< was, were
std::string do_present(Agreement agreement);  ///< do, does

}  // namespace qkv::grammar
