// CUDA C++ on the CPU: what a kernel sees.
//
// In:  the text of a CUDA kernel, unchanged, which is compiled after this header by g++.
// Out: the kernel as host code that calls the runtime (runtime.cpp) wherever CUDA threads meet:
//      barriers, warp operations, atomics, asynchronous copies.
//
// Only what CUDA accepts is accepted here, so that a kernel which builds for the emulator also builds for a GPU.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>
#include <utility>

#define __GRAPHC_EMULATOR__ 1

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __constant__ static
#define __grid_constant__
// One section holds all shared arrays, so that the runtime can find, poison and watch them.
#define __shared__ static __attribute__((section("graphc_shared"), aligned(16)))

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

// ---- vector types: CUDA aligns pairs and quadruples to their size, at most to 16 bytes ----

#define GRAPHC_VECTOR_TYPES(Element, name)                                                                \
  struct __align__(2 * sizeof(Element)) name##2 { Element x, y; };                                        \
  struct __align__(4 * sizeof(Element) > 16 ? 16 : 4 * sizeof(Element)) name##4 { Element x, y, z, w; };  \
  static inline name##2 make_##name##2(Element x, Element y) { return {x, y}; }                           \
  static inline name##4 make_##name##4(Element x, Element y, Element z, Element w) { return {x, y, z, w}; }
GRAPHC_VECTOR_TYPES(signed char, char)
GRAPHC_VECTOR_TYPES(unsigned char, uchar)
GRAPHC_VECTOR_TYPES(short, short)
GRAPHC_VECTOR_TYPES(unsigned short, ushort)
GRAPHC_VECTOR_TYPES(int, int)
GRAPHC_VECTOR_TYPES(unsigned, uint)
GRAPHC_VECTOR_TYPES(long long, longlong)
GRAPHC_VECTOR_TYPES(unsigned long long, ulonglong)
GRAPHC_VECTOR_TYPES(float, float)
GRAPHC_VECTOR_TYPES(double, double)

// ---- the runtime's side ----

enum class WarpOperation : int { synchronize, shuffle, shuffle_down, shuffle_up, shuffle_xor, ballot, collective };

struct BuiltinVariables { uint3 thread, block; dim3 block_size, grid_size; };

// Where a compiled module lies in memory: its own data is no buffer, its shared section is one.
struct ModuleImage { char *begin, *end, *shared_begin, *shared_end; };

extern "C" {
extern BuiltinVariables graphc_builtin;
int graphc_barrier(int predicate, int line);
uint64_t graphc_warp(WarpOperation operation, unsigned mask, uint64_t value, int argument, int width, int line);
void graphc_warp_collective(void (*function)(void** lanes), void* lane, int line);
void* graphc_dynamic_shared();
void graphc_atomic_begin();
void graphc_atomic_end();
void graphc_copy_begin(void* destination, const void* source, int bytes, int valid_bytes);
void graphc_copy_commit();
void graphc_copy_wait(int groups_in_flight);
[[noreturn]] void graphc_trap(int line);

extern char __start_graphc_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_graphc_shared[] __attribute__((weak, visibility("hidden")));
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));
}

// The instrumentation of the kernel must not see the argument array, which is no memory of the GPU.
#define GRAPHC_UNWATCHED __attribute__((no_sanitize("thread", "undefined"), no_sanitize_coverage))
template <class... Parameters, size_t... I>
GRAPHC_UNWATCHED void graphc_call(void (*kernel)(Parameters...), void** arguments, std::index_sequence<I...>) {
  kernel(*static_cast<std::remove_const_t<Parameters>*>(arguments[I])...);
}
template <class... Parameters>
GRAPHC_UNWATCHED void graphc_call(void (*kernel)(Parameters...), void** arguments) {
  graphc_call(kernel, arguments, std::index_sequence_for<Parameters...>());
}
// Ends the text of every module.
#define GRAPHC_MODULE \
  extern "C" { ModuleImage graphc_image = {__ehdr_start, _end, __start_graphc_shared, __stop_graphc_shared}; }
#define GRAPHC_KERNEL(name) \
  extern "C" GRAPHC_UNWATCHED void graphc_entry_##name(void** arguments) { graphc_call(name, arguments); }

#define threadIdx graphc_builtin.thread
#define blockIdx graphc_builtin.block
#define blockDim graphc_builtin.block_size
#define gridDim graphc_builtin.grid_size
#define warpSize 32

// ---- barriers and warp operations; `line` is the line of the caller ----

static inline void __syncthreads(int line = __builtin_LINE()) { graphc_barrier(0, line); }
static inline int __syncthreads_count(int p, int line = __builtin_LINE()) { return graphc_barrier(p != 0, line); }
static inline int __syncthreads_or(int p, int line = __builtin_LINE()) { return graphc_barrier(p != 0, line) != 0; }
static inline int __syncthreads_and(int p, int line = __builtin_LINE()) { return graphc_barrier(p == 0, line) == 0; }
static inline void __syncwarp(unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {
  graphc_warp(WarpOperation::synchronize, mask, 0, 0, warpSize, line);
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __trap(int line = __builtin_LINE()) { graphc_trap(line); }

template <class T>
static inline T graphc_shuffle(WarpOperation operation, unsigned mask, T value, int argument, int width, int line) {
  static_assert(sizeof(T) <= 8, "CUDA shuffles values of at most 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  bits = graphc_warp(operation, mask, bits, argument, width, line);
  memcpy(&value, &bits, sizeof value);
  return value;
}
#define GRAPHC_SHUFFLE(name, operation)                                                                        \
  template <class T>                                                                                           \
  static inline T name(unsigned mask, T value, int argument, int width = warpSize, int line = __builtin_LINE()) { \
    return graphc_shuffle(operation, mask, value, argument, width, line);                                      \
  }
GRAPHC_SHUFFLE(__shfl_sync, WarpOperation::shuffle)
GRAPHC_SHUFFLE(__shfl_down_sync, WarpOperation::shuffle_down)
GRAPHC_SHUFFLE(__shfl_up_sync, WarpOperation::shuffle_up)
GRAPHC_SHUFFLE(__shfl_xor_sync, WarpOperation::shuffle_xor)

static inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return (unsigned)graphc_warp(WarpOperation::ballot, mask, predicate != 0, 0, warpSize, line);
}
static inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, line) != 0;
}
static inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, line) == mask;
}

// ---- atomics: the fiber is not switched inside, and the checker is told ----

template <class T, class... Allowed>
constexpr bool graphc_one_of = (std::is_same_v<T, Allowed> || ...);
template <class T>
constexpr bool graphc_atomic_integer = graphc_one_of<T, int, unsigned, unsigned long long>;
template <class T>  // cuda_fp16.h and cuda_bf16.h add their types
struct graphc_atomic_addable {
  static constexpr bool value = graphc_atomic_integer<T> || graphc_one_of<T, float, double>;
};

template <class T, class Update>
static inline T graphc_atomic(T* address, Update update) {
  graphc_atomic_begin();
  const T old = *address;
  *address = update(old);
  graphc_atomic_end();
  return old;
}
// The operand is converted to the type of the address, as CUDA's overloads do.
#define GRAPHC_ATOMIC(name, allowed, expression)                                            \
  template <class T>                                                                        \
  static inline T name(T* address, std::common_type_t<T> value) {                           \
    static_assert(allowed, "CUDA has no " #name " for this type");                          \
    return graphc_atomic(address, [=](T old) -> T { return expression; });                  \
  }
GRAPHC_ATOMIC(atomicAdd, graphc_atomic_addable<T>::value, old + value)
GRAPHC_ATOMIC(atomicSub, (graphc_one_of<T, int, unsigned>), old - value)
GRAPHC_ATOMIC(atomicMin, graphc_atomic_integer<T> || (graphc_one_of<T, long long>), value < old ? value : old)
GRAPHC_ATOMIC(atomicMax, graphc_atomic_integer<T> || (graphc_one_of<T, long long>), old < value ? value : old)
GRAPHC_ATOMIC(atomicAnd, graphc_atomic_integer<T>, old & value)
GRAPHC_ATOMIC(atomicOr, graphc_atomic_integer<T>, old | value)
GRAPHC_ATOMIC(atomicXor, graphc_atomic_integer<T>, old ^ value)
GRAPHC_ATOMIC(atomicExch, graphc_atomic_integer<T> || (graphc_one_of<T, float>), value)
template <class T>
static inline T atomicCAS(T* address, std::common_type_t<T> expected, std::common_type_t<T> value) {
  static_assert(graphc_atomic_integer<T> || graphc_one_of<T, unsigned short>, "CUDA has no atomicCAS for this type");
  return graphc_atomic(address, [=](T old) { return old == expected ? value : old; });
}

// ---- device functions that <math.h> does not have ----

template <class To, class From>
static inline To graphc_bits(From value) {
  static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
  To result;
  memcpy(&result, &value, sizeof result);
  return result;
}
static inline float __int_as_float(int x) { return graphc_bits<float>(x); }
static inline float __uint_as_float(unsigned x) { return graphc_bits<float>(x); }
static inline int __float_as_int(float x) { return graphc_bits<int>(x); }
static inline unsigned __float_as_uint(float x) { return graphc_bits<unsigned>(x); }
static inline double __longlong_as_double(long long x) { return graphc_bits<double>(x); }
static inline long long __double_as_longlong(double x) { return graphc_bits<long long>(x); }

// A float whose last bit is set when the conversion was inexact: rounding it again to 16 bits rounds only once.
static inline float graphc_round_to_odd(double x) {
  float nearest = (float)x;
  if ((double)nearest == x || x != x || __float_as_uint(nearest) & 1) return nearest;
  return nextafterf(nearest, nearest < x ? INFINITY : -INFINITY);
}

// Macros, because the C library has functions of these names for itself.
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __log10f(x) log10f(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __tanf(x) tanf(x)
#define __powf(x, y) powf(x, y)
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __saturatef(float x) { return x > 0 ? fminf(x, 1) : 0; }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline float normcdff(float x) { return 0.5f * erfcf(-0.707106781186547524f * x); }
static inline double normcdf(double x) { return 0.5 * erfc(-0.707106781186547524 * x); }

// Contraction is off for the whole module, so these are plain operations.
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsub_rn(float x, float y) { return x - y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __frcp_rn(float x) { return 1 / x; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dsub_rn(double x, double y) { return x - y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __ddiv_rn(double x, double y) { return x / y; }
static inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((uint64_t)x * y >> 32); }
static inline int __mulhi(int x, int y) { return (int)((int64_t)x * y >> 32); }
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)((unsigned __int128)x * y >> 64);
}

// 16-bit types: each operation rounds, as the GPU's does.
#define GRAPHC_ROUNDED_ARITHMETIC(T)                                                   \
  static inline T operator+(T x, T y) { return T((float)x + (float)y); }               \
  static inline T operator-(T x, T y) { return T((float)x - (float)y); }               \
  static inline T operator*(T x, T y) { return T((float)x * (float)y); }               \
  static inline T operator/(T x, T y) { return T((float)x / (float)y); }               \
  static inline T operator-(T x) { return T(-(float)x); }                              \
  template <>                                                                          \
  struct graphc_atomic_addable<T> { static constexpr bool value = true; };

template <class T>
static inline T __ldg(const T* address) { return *address; }
template <class X, class Y>
static inline std::common_type_t<X, Y> min(X x, Y y) {
  using T = std::common_type_t<X, Y>;
  if constexpr (std::is_floating_point_v<T>) return fmin(T(x), T(y));  // a NaN loses, as on the GPU
  else return T(y) < T(x) ? T(y) : T(x);
}
template <class X, class Y>
static inline std::common_type_t<X, Y> max(X x, Y y) {
  using T = std::common_type_t<X, Y>;
  if constexpr (std::is_floating_point_v<T>) return fmax(T(x), T(y));
  else return T(x) < T(y) ? T(y) : T(x);
}
