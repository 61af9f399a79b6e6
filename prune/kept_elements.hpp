// SPDX-License-Identifier: Apache-2.0
// Which elements of one weight stay, decided anew each time it is asked, so that neither masks nor
// values of a pruned model are held: only how many stay in each stretch of the weight. Read in
// stretches, by all threads; the same bytes for any number of threads.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lib/ir/tensor.hpp"
#include "lib/pass/float_values.hpp"
#include "prune/magnitude_cut.hpp"

namespace pare::prune {

class KeptElements {
 public:
  // What `cut` keeps. Takes this weight's share off cut.ties: call in pool order.
  static std::shared_ptr<const KeptElements> by_cut(const ir::Tensor& source, MagnitudeCut& cut,
                                                    int threads);
  // The n largest of every m along a row. Throws Error(name) on NaN or Inf.
  static std::shared_ptr<const KeptElements> n_of_m(const std::string& name,
                                                    const ir::Tensor& source, int n, int m,
                                                    int threads);

  int64_t count() const { return stored_; }
  const ir::Tensor& source() const { return source_; }
  // Of the values: the source's, or f32 when it is not plain.
  ir::DType dtype() const;
  ir::Bytes mask() const;
  // The kept values, in order.
  ir::Bytes values() const;
  // All values, those that go set to zero.
  ir::Bytes dense() const;

 private:
  KeptElements(const ir::Tensor& source, int threads) : source_(source), threads_(threads) {}
  int64_t stretch_count() const;
  void choose(const pass::FloatRanges& values, int64_t stretch, pass::FloatRanges::Scratch& scratch,
              std::span<uint8_t> kept) const;
  template <class Visit>
  void for_stretches(const Visit& visit) const;
  void count_stretches();

  ir::Tensor source_;
  int threads_;
  int64_t stretch_ = 0;                 // elements; a multiple of 8, or whole rows
  MagnitudeCut cut_;                    // ties: that go in this weight
  std::vector<int64_t> ties_before_;    // a stretch; empty when no tie goes
  int n_ = 0, m_ = 0;                   // m_ > 0: n of each m
  int64_t columns_ = 0;                 // of a row, for n of m
  std::vector<int64_t> stored_before_;  // a stretch
  int64_t stored_ = 0;
};

// The kept elements as a sparse tensor whose parts are deferred.
ir::Tensor sparse_tensor(const std::shared_ptr<const KeptElements>& kept,
                         const ir::SparseLayout& layout);
// The weight with zeros, deferred.
ir::Tensor dense_tensor(const std::shared_ptr<const KeptElements>& kept);

}  // namespace pare::prune
