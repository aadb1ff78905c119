#include "qkv/layers/positional_encoding.h"

#include <gtest/gtest.h>

#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

TEST(PositionalEncoding, IsInterleavedSinesAndCosines) {
  Parameters<double> parameters;
  for (const int width : {6, 7}) {
    const PositionalEncoding<double> positions(parameters.root() / "positions", Positions::sinusoidal, 100, width);
    Tape<double> tape;
    const Recording recording(tape);
    const std::vector<double> x = normal_numbers<double>(2 * 100 * width, 1);
    const std::vector<double> y = values_of(positions(tape.constant({2, 100, width}, x)));
    for (int b = 0; b < 2; ++b)
      for (int position = 0; position < 100; ++position)
        for (int i = 0; 2 * i < width; ++i) {
          const double angle = position / std::pow(10000.0, 2.0 * i / width);
          const auto at = static_cast<std::size_t>((b * 100 + position) * width + 2 * i);
          EXPECT_DOUBLE_EQ(y[at], x[at] + std::sin(angle)) << position << " " << 2 * i;
          if (2 * i + 1 < width) {
            EXPECT_DOUBLE_EQ(y[at + 1], x[at + 1] + std::cos(angle)) << position << " " << 2 * i + 1;
          }
        }
  }
  EXPECT_TRUE(parameters.entries().empty());
}

TEST(PositionalEncoding, OfTheFirstPositionsAsWorkedOutByHand) {
  Parameters<double> parameters;
  const PositionalEncoding<double> positions(parameters.root() / "positions", Positions::sinusoidal, 3, 4);
  Tape<double> tape;
  const Recording recording(tape);
  const std::vector<double> y = values_of(positions(tape.constant({1, 3, 4}, std::vector<double>(12))));
  const std::vector<double> expected{0,
                                     1,
                                     0,
                                     1,
                                     0.841470984807896507,
                                     0.540302305868139717,
                                     0.00999983333416666468,
                                     0.999950000416665278,
                                     0.909297426825681695,
                                     -0.416146836547142387,
                                     0.0199986666933330794,
                                     0.999800006666577778};
  EXPECT_LE(largest_difference(y, expected), 1e-15);
}

TEST(PositionalEncoding, BeginsAtThePositionThatIsNamed) {
  for (const Positions kind : {Positions::sinusoidal, Positions::learned}) {
    Parameters<double> parameters;
    const PositionalEncoding<double> positions(parameters.root() / "positions", kind, 8, 4);
    parameters.initialise(1);
    Tape<double> tape;
    const Recording recording(tape);
    const std::vector<double> all = values_of(positions(tape.constant({1, 8, 4}, std::vector<double>(32))));
    const std::vector<double> some = values_of(positions(tape.constant({1, 2, 4}, std::vector<double>(8)), 3));
    EXPECT_EQ(some, std::vector<double>(all.begin() + 12, all.begin() + 20));
    const Var<double> word = tape.constant({1, 1, 4}, std::vector<double>(4));
    EXPECT_EQ(complaint([&] { positions(word, 7); }), "");
    EXPECT_EQ(complaint([&] { positions(word, 8); }),
              "add_positions: 1 positions from 8 on are needed, but there are only 8 (in positions)");
  }
}

TEST(PositionalEncoding, LearnsOnlyThePositionsThatOccur) {
  Parameters<double> parameters;
  const PositionalEncoding<double> positions(parameters.root() / "positions", Positions::learned, 4, 2);
  ASSERT_EQ(parameters.entries().size(), 1u);
  EXPECT_EQ(parameters.entries()[0].name, "positions.weight");
  parameters.initialise(1);
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> y = positions(tape.constant({2, 2, 2}, std::vector<double>(8)), 1);
  tape.backward(y, std::vector<double>{1, 2, 3, 4, 10, 20, 30, 40});
  EXPECT_EQ(std::vector<double>(parameters.gradients(0).begin(), parameters.gradients(0).end()),
            (std::vector<double>{0, 0, 11, 22, 33, 44, 0, 0}));
}

}  // namespace
}  // namespace qkv
