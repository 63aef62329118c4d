// What every generated kernel may use. Integers wrap, integer division by zero gives 0, NaN propagates.

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
#endif

typedef unsigned long long Bits;  // wide enough for the modular arithmetic of every integer type

template <typename T> __device__ __forceinline__ T wrapping_add(T a, T b) { return (T)((Bits)a + (Bits)b); }
template <typename T> __device__ __forceinline__ T wrapping_subtract(T a, T b) { return (T)((Bits)a - (Bits)b); }
template <typename T> __device__ __forceinline__ T wrapping_multiply(T a, T b) { return (T)((Bits)a * (Bits)b); }
template <typename T> __device__ __forceinline__ T wrapping_negate(T a) { return (T)(0 - (Bits)a); }
template <typename T> __device__ __forceinline__ T absolute(T a) { return a < 0 ? wrapping_negate(a) : a; }
template <typename T> __device__ __forceinline__ T minimum(T a, T b) { return a < b || a != a ? a : b; }
template <typename T> __device__ __forceinline__ T maximum(T a, T b) { return a > b || a != a ? a : b; }

template <typename T> __device__ __forceinline__ T shift_left(T a, T count) {
  return (Bits)count < 8 * sizeof(T) ? (T)((Bits)a << count) : (T)0;
}
// a * b for numbers below 2^32. From a plain product the compiler does not see that the halves need 32 bits each.
__device__ __forceinline__ unsigned long long word_product(unsigned long long a, unsigned long long b) {
  return (unsigned long long)__umulhi((unsigned)a, (unsigned)b) << 32 | (unsigned)a * (unsigned)b;
}
template <typename T> __device__ __forceinline__ T shift_right(T a, T count) {
  return (T)(a >> ((Bits)count < 8 * sizeof(T) ? (int)count : (int)(8 * sizeof(T) - 1))) *
         (T)(a < 0 || (Bits)count < 8 * sizeof(T));
}

template <typename T> __device__ __forceinline__ T binary_exponent(T x) {
  return (T)(x != 0 && isfinite(x) ? ilogb(x) + 1 : 0);
}

template <typename T> __device__ T integer_power(T base, T exponent) {
  T result = 1;
  // The bits of a negative exponent count as those of an unsigned number.
  unsigned long long bits = (unsigned long long)exponent & (~0ull >> (64 - 8 * sizeof(T)));
  for (; bits != 0; bits >>= 1) {
    if (bits & 1) result = wrapping_multiply(result, base);
    base = wrapping_multiply(base, base);
  }
  return result;
}

// Rounded towards minus infinity; the remainder has the sign of the divisor.
template <typename T> __device__ __forceinline__ T floor_divide(T a, T b) {
  if (b == 0) return 0;
  if ((T)-1 < 0 && b == (T)-1) return wrapping_negate(a);  // the smallest integer over -1 would trap
  const T quotient = (T)(a / b);
  return (T)(quotient - (a % b != 0 && (a < 0) != (b < 0)));
}
template <typename T> __device__ __forceinline__ T floor_remainder(T a, T b) {
  if (b == 0 || ((T)-1 < 0 && b == (T)-1)) return 0;
  const T rest = (T)(a % b);
  return (T)(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

template <typename F> __device__ __forceinline__ F float_remainder(F a, F b, F rest) {
  if (b == 0) return rest;
  if (rest == 0) return b < 0 ? -(F)0 : (F)0;
  return (rest < 0) != (b < 0) ? rest + b : rest;
}
template <typename F> __device__ __forceinline__ F float_floor_divide(F a, F b, F rest, F signed_zero) {
  if (b == 0) return a / b;
  F quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return signed_zero;
  F rounded = (F)floor(quotient);
  return quotient - rounded > (F)0.5 ? rounded + 1 : rounded;
}
__device__ __forceinline__ float floor_remainder(float a, float b) { return float_remainder(a, b, fmodf(a, b)); }
__device__ __forceinline__ double floor_remainder(double a, double b) { return float_remainder(a, b, fmod(a, b)); }
__device__ __forceinline__ float floor_divide(float a, float b) {
  return float_floor_divide(a, b, fmodf(a, b), copysignf(0.0f, a / b));
}
__device__ __forceinline__ double floor_divide(double a, double b) {
  return float_floor_divide(a, b, fmod(a, b), copysign(0.0, a / b));
}

// Float to integer: towards zero, to the nearest end of the range outside it, 0 for NaN.
template <typename T, typename F> __device__ __forceinline__ T truncate(F x) {
  const bool is_signed = (T)-1 < 0;
  const T largest = (T)(~(Bits)0 >> (64 - 8 * sizeof(T) + is_signed));
  const F limit = (F)((Bits)1 << (8 * sizeof(T) - 1)) * (F)(is_signed ? 1 : 2);  // largest + 1, exactly
  const F lowest = is_signed ? -limit : (F)0;
  return x >= limit ? largest : x <= lowest ? (T)lowest : x == x ? (T)x : (T)0;
}

// Positions that the data give: negative ones count from the end.
template <typename T> __device__ __forceinline__ bool is_index(T value, long long extent) {
  return value < 0 ? (long long)value >= -extent : (Bits)value < (Bits)extent;
}
template <typename T> __device__ __forceinline__ long long as_index(T value, long long extent) {
  if (!is_index(value, extent)) return value < 0 || extent == 0 ? 0 : extent - 1;
  return value < 0 ? (long long)value + extent : (long long)value;
}

// Several neighbouring elements that move in one access.
template <typename T, int N> struct alignas(sizeof(T) * N) Pack { T at[N]; };

template <int N, typename T> __device__ __forceinline__ Pack<T, N> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <typename T, int N> __device__ __forceinline__ void store_pack(T* to, Pack<T, N> pack) {
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}
template <int N, typename T> __device__ __forceinline__ bool is_aligned(const T* pointer) {
  return reinterpret_cast<Bits>(pointer) % (sizeof(T) * N) == 0;
}

// A sum in twice the precision of its terms; `high` is it rounded once, `low` what that misses.
template <typename T> struct TwofoldSum;
template <> struct TwofoldSum<float> {
  double total = 0;
  __device__ __forceinline__ void add(float x) { total = __dadd_rn(total, x); }
  __device__ __forceinline__ void add_product(float x, float y) { total = fma((double)x, (double)y, total); }
  __device__ __forceinline__ void join(TwofoldSum other) { total = __dadd_rn(total, other.total); }
  __device__ __forceinline__ float high() const { return (float)total; }
  __device__ __forceinline__ float low() const { return isfinite(high()) ? (float)(total - high()) : 0; }
};
template <> struct TwofoldSum<double> {  // the rounding errors of all steps are added up beside the total
  double total = 0, lost = 0;
  __device__ __forceinline__ void add(double x) {
    const double sum = __dadd_rn(total, x), part = __dsub_rn(sum, total);
    const double error = __dadd_rn(__dsub_rn(total, __dsub_rn(sum, part)), __dsub_rn(x, part));
    total = sum;
    lost = __dadd_rn(lost, error);
  }
  __device__ __forceinline__ void add_product(double x, double y) {
    const double product = __dmul_rn(x, y);
    lost = __dadd_rn(lost, fma(x, y, -product));
    add(product);
  }
  __device__ __forceinline__ void join(TwofoldSum other) {
    lost = __dadd_rn(lost, other.lost);
    add(other.total);
  }
  __device__ __forceinline__ bool usable() const { return isfinite(total) && isfinite(lost); }
  __device__ __forceinline__ double high() const { return usable() ? __dadd_rn(total, lost) : total; }
  __device__ __forceinline__ double low() const {
    return usable() ? __dsub_rn(lost, __dsub_rn(high(), total)) : 0;
  }
};

// Reductions over the threads of a block, in a fixed order; every thread gets the result.
struct Sum {
  template <typename T> static __device__ __forceinline__ T of(T a, T b) { return wrapping_add(a, b); }
  static __device__ __forceinline__ float of(float a, float b) { return a + b; }
  static __device__ __forceinline__ double of(double a, double b) { return a + b; }
  template <typename T> static __device__ __forceinline__ TwofoldSum<T> of(TwofoldSum<T> a, TwofoldSum<T> b) {
    a.join(b);
    return a;
  }
};
struct Product {
  template <typename T> static __device__ __forceinline__ T of(T a, T b) { return wrapping_multiply(a, b); }
  static __device__ __forceinline__ float of(float a, float b) { return a * b; }
  static __device__ __forceinline__ double of(double a, double b) { return a * b; }
};
struct Maximum {
  template <typename T> static __device__ __forceinline__ T of(T a, T b) { return maximum(a, b); }
};
struct Minimum {
  template <typename T> static __device__ __forceinline__ T of(T a, T b) { return minimum(a, b); }
};

template <typename T> struct Shuffled { typedef T type; };
template <> struct Shuffled<bool> { typedef int type; };
template <> struct Shuffled<signed char> { typedef int type; };
template <> struct Shuffled<unsigned char> { typedef int type; };
template <> struct Shuffled<short> { typedef int type; };
template <> struct Shuffled<unsigned short> { typedef int type; };

// The value of the lane at a distance, which has ours.
template <typename T> __device__ __forceinline__ T from_lane(T value, int distance) {
  typedef typename Shuffled<T>::type Register;
  return (T)__shfl_xor_sync(0xffffffffu, (Register)value, distance);
}
__device__ __forceinline__ TwofoldSum<float> from_lane(TwofoldSum<float> sum, int distance) {
  sum.total = from_lane(sum.total, distance);
  return sum;
}
__device__ __forceinline__ TwofoldSum<double> from_lane(TwofoldSum<double> sum, int distance) {
  sum.total = from_lane(sum.total, distance);
  sum.lost = from_lane(sum.lost, distance);
  return sum;
}

template <typename Combine, typename T> __device__ __forceinline__ T warp_reduce(T value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value = Combine::of(value, from_lane(value, distance));
  return value;
}

template <typename Combine, typename T>
__device__ __forceinline__ T block_reduce(T value, T identity, Bits* shared_partials) {
  value = warp_reduce<Combine>(value);
  const int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (warps == 1) return value;
  T* const partials = reinterpret_cast<T*>(shared_partials);
  __syncthreads();  // the reduction before may still be reading
  if (lane == 0) partials[warp] = value;
  __syncthreads();
  return warp_reduce<Combine>(lane < warps ? partials[lane] : identity);
}
