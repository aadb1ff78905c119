#include "qkv/autograd/gemm.h"

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>

#if defined(QKV_WITH_ONEDNN)
#include <dlfcn.h>
#include <dnnl.h>
#include <sys/mman.h>
#endif

#include "qkv/autograd/kernels/hold_signals.h"
#include "qkv/autograd/kernels/small_product.h"

namespace qkv {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The matrix as it lies in memory, before any transposition.
template <class T>
auto in_memory(const View<T>& view) {
  const int rows = view.is_transposed ? view.columns : view.rows;
  const int columns = view.is_transposed ? view.rows : view.columns;
  return Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>(view.data, rows, columns,
                                                              Eigen::OuterStride<>(view.stride));
}

template <class T, class Left, class Right>
void write_product(const Left& a, const Right& b, const Target<T>& c) {
  Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>> out(c.data, c.rows, c.columns, Eigen::OuterStride<>(c.stride));
  if (c.accumulate)
    out.noalias() += a * b;
  else
    out.noalias() = a * b;
}

template <class T>
void gemm_with_eigen(View<T> a, View<T> b, Target<T> c) {
  if (a.is_transposed && b.is_transposed)
    write_product(in_memory(a).transpose(), in_memory(b).transpose(), c);
  else if (a.is_transposed)
    write_product(in_memory(a).transpose(), in_memory(b), c);
  else if (b.is_transposed)
    write_product(in_memory(a), in_memory(b).transpose(), c);
  else
    write_product(in_memory(a), in_memory(b), c);
}

/// Eigen packs its right operand in one buffer, which it takes from the heap when it is larger than
/// EIGEN_STACK_ALLOCATION_LIMIT; panels of at most this many columns stay below that.
constexpr int panel_columns = 512;

/// Below this many multiplications oneDNN's fixed cost for every call is too high.
[[maybe_unused]] constexpr std::int64_t onednn_from = std::int64_t{1} << 19;

#if defined(QKV_WITH_ONEDNN)
/// At its first products oneDNN generates its kernels, some 20 MB of them, and crashes where there is no memory for
/// that. So room is asked for, and products are made that need each set of kernels, before any other.
void generate_kernels() {
  constexpr std::size_t enough = std::size_t{32} << 20;
  static const bool generated = [] {
    void* const room = ::mmap(nullptr, enough, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) throw std::bad_alloc();
    ::munmap(room, enough);
    constexpr int n = 16;
    const float zeros[n * n] = {};
    float product[n * n];
    for (const int rows : {3, n})
      for (const char a : {'N', 'T'})
        for (const char b : {'N', 'T'}) dnnl_sgemm(a, b, rows, n, n, 1.0F, zeros, n, zeros, n, 0.0F, product, n);
    return true;
  }();
  static_cast<void>(generated);
}

void gemm_with_onednn(View<float> a, View<float> b, Target<float> c) {
  const HoldSignals hold;
  generate_kernels();
  const dnnl_status_t status =
      dnnl_sgemm(a.is_transposed ? 'T' : 'N', b.is_transposed ? 'T' : 'N', c.rows, c.columns, a.columns, 1.0F, a.data,
                 a.stride, b.data, b.stride, c.accumulate ? 1.0F : 0.0F, c.data, c.stride);
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  if (status != dnnl_success) throw std::runtime_error(fmt::format("gemm: oneDNN failed with status {}", +status));
}
#endif

}  // namespace

template <class T>
void gemm(View<T> a, View<T> b, Target<T> c) {
  check(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns,
        "gemm: [{}, {}] times [{}, {}] does not fit a target of [{}, {}]", a.rows, a.columns, b.rows, b.columns, c.rows,
        c.columns);
  if (c.rows == 0 || c.columns == 0) return;
  if constexpr (!std::is_floating_point_v<T>) {
    gemm_by_definition(a, b, c);
  } else {
    if (a.columns == 0) return gemm_by_definition(a, b, c);  // sums of nothing
#if defined(QKV_WITH_ONEDNN)
    if constexpr (std::is_same_v<T, float>) {
      const std::int64_t multiplications = std::int64_t{c.rows} * c.columns * a.columns;
      if (multiplications >= onednn_from) return gemm_with_onednn(a, b, c);
    }
#endif
    if (is_small_product(a, b)) return small_product(a, b, c);
    for (int first = 0; first < c.columns; first += panel_columns) {
      const int count = std::min(panel_columns, c.columns - first);
      const View<T> panel =
          b.is_transposed ? b.transposed().row_block(first, count).transposed() : b.column_block(first, count);
      gemm_with_eigen(a, panel, c.column_block(first, count));
    }
  }
}

template void gemm<float>(View<float>, View<float>, Target<float>);
template void gemm<double>(View<double>, View<double>, Target<double>);
template void gemm<DualDouble>(View<DualDouble>, View<DualDouble>, Target<DualDouble>);

void use_one_thread_per_product() {
#if defined(QKV_WITH_ONEDNN)
  // oneDNN brings an OpenMP of its own, which need not be that of this compiler; its function is looked up by name.
  using SetThreads = void(int);
  if (void* const found = ::dlsym(RTLD_DEFAULT, "omp_set_num_threads")) reinterpret_cast<SetThreads*>(found)(1);
#endif
}

const char* gemm_library() {
#if defined(QKV_WITH_ONEDNN)
  return "oneDNN";
#else
  return "Eigen";
#endif
}

}  // namespace qkv
