// out[batch] = a[batch] @ b[batch], row-major. A block computes a tile of 64 x 64, a thread 4 x 4 of it; the tiles of
// both operands pass through shared memory, 16 columns of a (and rows of b) at a time. Sums over 512 of them are
// added up by themselves, so that the error hardly grows with k.
extern "C" __global__ void __launch_bounds__(256) $name(const $element* a, const $element* b, $element* out, long long m, long long n, long long k, long long stride_a, long long stride_b) {
  __shared__ $total tile_a[16][64 + 4];  // padded, so that neighbouring threads meet different banks
  __shared__ $total tile_b[16][64 + 4];
  const long long tiles_m = (m + 63) / 64, tiles_n = (n + 63) / 64;
  const long long batch = blockIdx.x / (tiles_m * tiles_n);
  const long long first_row = blockIdx.x / tiles_n % tiles_m * 64, first_column = blockIdx.x % tiles_n * 64;
  a += batch * stride_a;
  b += batch * stride_b;
  out += batch * m * n;
  const int thread_row = threadIdx.x / 16 * 4, thread_column = threadIdx.x % 16 * 4;
  $total totals[4][4] = {}, block[4][4] = {};
  for (long long first_k = 0; first_k < k; first_k += 16) {
    for (int element = threadIdx.x; element < 64 * 16; element += 256) {
      const int row = $row_of_a, inner = $inner_of_a;
      const bool inside = first_row + row < m && first_k + inner < k;
      tile_a[inner][row] = inside ? $load_a : $zero;
    }
    for (int element = threadIdx.x; element < 16 * 64; element += 256) {
      const int column = $column_of_b, inner = $inner_of_b;
      const bool inside = first_column + column < n && first_k + inner < k;
      tile_b[inner][column] = inside ? $load_b : $zero;
    }
    __syncthreads();
#pragma unroll
    for (int inner = 0; inner < 16; ++inner) {
#pragma unroll
      for (int row = 0; row < 4; ++row) {
#pragma unroll
        for (int column = 0; column < 4; ++column) {
          block[row][column] += tile_a[inner][thread_row + row] * tile_b[inner][thread_column + column];
        }
      }
    }
    if (first_k % 512 == 512 - 16 || first_k + 16 >= k) {
#pragma unroll
      for (int row = 0; row < 4; ++row) {
#pragma unroll
        for (int column = 0; column < 4; ++column) {
          totals[row][column] += block[row][column];
          block[row][column] = 0;
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int row = 0; row < 4; ++row) {
#pragma unroll
    for (int column = 0; column < 4; ++column) {
      const long long i = first_row + thread_row + row, j = first_column + thread_column + column;
      if (i < m && j < n) out[i * n + j] = $result;
    }
  }
}
