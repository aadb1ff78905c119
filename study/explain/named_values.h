#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qkv/study/explain/address.h"
#include "qkv/study/explain/quantities.h"
#include "qkv/study/sentence_pass.h"

namespace qkv {

/// The head of an attention whose steps have short names.
struct ChosenHead {
  std::string layer;  ///< such as "decoder.layers.1.cross_attention"
  int head = 0;
};

/// The names by which the numbers of a pass are found: the short ones of a chosen head's steps (`weights[2,5]`,
/// `query.weight[3,5]`), those of parameters, and of any other value `MODULE.OPERATION` and `MODULE.OPERATION.PART`,
/// with `#2` for its third use. Hidden states, which an attention reads in two ways, have a name for each
/// (`states as keys[2,5]`): the gradient under it is what flows back that way.
class NamedValues {
 public:
  /// The pass and the quantities must outlive it. No head: a model without attention; it has `states`, `context`, `h`.
  NamedValues(const SentencePass& pass, const Quantities& all, const std::optional<ChosenHead>& chosen);

  struct Place {
    int quantity = 0;
    std::int64_t element = 0;
  };

  /// Reads an address, and says where it leads. Both throw std::invalid_argument that names the nearest there is.
  Address read(std::string_view text) const;
  Place find(const Address& address) const;

  /// The quantities through which the gradient under this name flows; none: all that read the value.
  const Readers& readers_of(const std::string& name) const { return named_.at(name).readers; }

  /// The shortest name of a number.
  Address address_of(int quantity, std::int64_t element, bool gradient) const;

  /// Every name, the short ones first.
  std::vector<std::string> names() const;

  /// How many indices a name takes, and how many numbers each counts.
  const std::vector<int>& sizes_of(const std::string& name) const;

 private:
  struct Named {
    std::vector<int> sizes;
    int whole = -1;             // all of this quantity,
    std::vector<Place> places;  // or one place for each element
    Readers readers{};
  };
  struct Step {  // one of the records of an attention: one for all queries, or one for each
    const AttentionRecord<double>* record;
    int scores, scaled, weights, sigma;  // quantities
  };

  void name_whole(const std::string& name, int quantity);
  void name_parts(const std::string& name, std::vector<int> sizes, std::vector<Place> places);
  void name_embeddings(const SentencePass& pass, const std::string& side);
  void name_head(const std::vector<Step>& steps, int head);
  void name_reading(const std::string& name, const std::string& how, Readers readers);
  void name_readings_of_states(const std::vector<Step>& steps);
  void name_projection(const std::string& name, const Node<double>* projected);
  void name_encoder_decoder(const SentencePass& pass);
  int quantity(const std::string& name) const;
  bool has_gradient(const std::string& name) const;
  Address nearest(std::string_view wrong) const;

  const Quantities& all_;
  std::vector<std::string> short_names_;             // in their order
  std::map<std::string, Named, std::less<>> named_;  // every name
  std::map<int, std::string> name_of_whole_;
  std::map<std::pair<int, std::int64_t>, Address> address_of_part_;
};

}  // namespace qkv
