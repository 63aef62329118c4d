// Asynchronous copies and tensor-core products (sm_80 and later) as functions, so that kernels hold no assembly
// and the emulator can supply the same functions for the CPU.
#pragma once

// 16 bytes from global to shared memory; zeros where `valid` is false.
static __device__ __forceinline__ void graphc_copy_async_16(void* shared, const void* global, bool valid = true) {
  const unsigned destination = (unsigned)__cvta_generic_to_shared(shared);
  const int valid_bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(destination), "l"(global), "r"(valid_bytes)
               : "memory");
}
static __device__ __forceinline__ void graphc_copy_async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int groups_in_flight>
static __device__ __forceinline__ void graphc_copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(groups_in_flight) : "memory");
}

// accumulator[4] += left[4] (16x16 bf16, row major) * right[2] (16x8 bf16, column major), by a whole warp.
static __device__ __forceinline__ void graphc_multiply_add_16816(float* accumulator, const unsigned* left,
                                                                 const unsigned* right) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(accumulator[0]), "+f"(accumulator[1]), "+f"(accumulator[2]), "+f"(accumulator[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}
