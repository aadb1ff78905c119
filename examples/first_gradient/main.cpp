// Attention of one query over three keys, its gradient, and the proof that the gradient is right.

#include <fmt/format.h>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"
#include "qkv/autograd/ops.h"

using namespace qkv;

int main() {
  const std::vector<double> query{1, 0}, keys{1, 0, 0, 1, 1, 1}, values{10, 20, 60};
  Tape<double> tape;
  const Recording recording(tape);                         // operations are recorded here until the end of the block
  const Var<double> q = tape.variable({1, 1, 2}, query);   // [sentences, queries, features]
  const Var<double> k = tape.variable({1, 3, 2}, keys);    // [sentences, keys, features]
  const Var<double> v = tape.variable({1, 3, 1}, values);  // a value for each key
  const Attended<double> attended = attention(q, k, v);    // softmax(Q Kᵀ / √2) V
  tape.backward(attended.output);

  fmt::print("weights         {:.3f}\n", fmt::join(attended.weights.values(), " "));
  fmt::print("output          {:.3f}\n", attended.output.item());
  fmt::print("d output / d q  {:.3f} {:.3f}\n", q.grad()(0, 0), q.grad()(0, 1));

  const auto function = [](auto x) { return attention(x[0], x[1], x[2]).output; };
  const GradcheckResult check = gradcheck(function, {{"q", {1, 1, 2}}, {"k", {1, 3, 2}}, {"v", {1, 3, 1}}});
  fmt::print("gradcheck       {}\n", check.message());
}
