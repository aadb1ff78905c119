#pragma once

#include <string>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv::gradcheck_detail {

/// The entries of one input that differ most are what a message names.
struct Worst {
  double difference = 0;
  Mismatch mismatch;
};

/// |a − b|; infinite if a or b is NaN or infinite, so that it is never taken for agreement.
double difference_of(double a, double b);

/// difference / scale, 0 where nothing differs.
double relative(double difference, double scale);

std::vector<int> index_of(std::size_t element, const Shape& shape);
/// Σ a b; Σ |a b| is added to the magnitude if it is finite.
double dot(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b, double& magnitude);
/// Whatever else the numbers look like, where they are not finite a partial write is the cause.
void explain_partial_write(std::vector<Worst>& worst, const std::string& partial_write);
void conclude(GradcheckResult& result, std::vector<Worst>& worst, double scale, double tolerance);

}  // namespace qkv::gradcheck_detail
