// Watches the memory of a launch: bounds, initialisation, races, alignment.
//
// In:  every access of the kernel, through the hooks that g++ -fsanitize=thread and -fsanitize=alignment,... call;
//      this file defines them itself, so no sanitizer library is linked.
// Out: findings, through report().
//
// Each granule of a buffer has a Cell that remembers the last write and the last reads. Two accesses are ordered
// when a barrier lies between them (their epochs differ), when the whole warp met between them (their warp epochs
// differ), or when one thread made both. Blocks are never ordered. An unordered pair with a write is a race,
// whether or not the schedule at hand makes it visible.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

#include "runtime.h"

namespace emulator::checker {

struct Access { uint32_t epoch; uint32_t code; uint16_t thread, warp_epoch; };  // epoch 0: none

struct Cell {
  Access write, read;
  bool write_is_atomic, initialised;
  bool many_readers;          // several unordered threads of the reading epoch
  bool read_by_earlier_block;
};

struct Region {
  Buffer buffer;
  bool shared;
  Cell* cells;

  char* end() const { return buffer.begin + buffer.bytes; }
  bool contains(const char* address) const { return address >= buffer.begin && address < end(); }
  size_t offset(const char* address) const { return address - buffer.begin; }
};

static std::vector<Region> regions;
static size_t last_hit;
constexpr unsigned kAccessesBetweenSwitches = 32;  // on average, in a random schedule

static void watch(const Buffer& buffer, bool shared) {
  if (!buffer.bytes) return;
  // calloc leaves the pages of cells that are never touched unmapped.
  auto* cells = static_cast<Cell*>(calloc(buffer.bytes / buffer.granule + 1, sizeof(Cell)));
  if (!cells) abort();
  regions.push_back({buffer, shared, cells});
}

void begin_launch(char* dynamic_shared) {
  last_hit = 0;
  const ModuleImage& image = *launch->image;
  const size_t static_bytes = image.shared_end - image.shared_begin;
  watch({"shared memory", image.shared_begin, static_bytes, launch->shared_granule, false}, true);
  watch({"dynamic shared memory", dynamic_shared, launch->shared_bytes, launch->shared_granule, false}, true);
  for (size_t i = 0; i < launch->buffer_count; ++i) watch(launch->buffers[i], false);
}

void end_launch() {
  for (Region& region : regions) free(region.cells);
  regions.clear();
}

static Region* find(const char* address) {
  if (last_hit < regions.size() && regions[last_hit].contains(address)) return &regions[last_hit];
  for (size_t i = 0; i < regions.size(); ++i)
    if (regions[i].contains(address)) {
      last_hit = i;
      return &regions[i];
    }
  return nullptr;
}

[[noreturn]] static void report_out_of_bounds(const char* address, size_t bytes, bool is_write, const void* code) {
  const auto distance = [address](const Region& region) {
    return address < region.buffer.begin ? region.buffer.begin - address : address - region.end();
  };
  const auto nearest = std::min_element(regions.begin(), regions.end(), [&](const Region& x, const Region& y) {
    return distance(x) < distance(y);
  });
  constexpr ptrdiff_t plausible = 1 << 24;
  const bool named = nearest != regions.end() && distance(*nearest) < plausible;
  report({0, code}, "out of bounds: thread %u of block %llu %s %zu bytes at offset %lld of %s (%zu bytes)",
         current->number, (unsigned long long)block.number, is_write ? "writes" : "reads", bytes,
         named ? (long long)(address - nearest->buffer.begin) : (long long)(uintptr_t)address,
         named ? nearest->buffer.name : "no buffer", named ? nearest->buffer.bytes : 0);
  abort_block();
}

static bool of_earlier_block(const Access& earlier) { return earlier.epoch && earlier.epoch < block.first_epoch; }

static bool unordered(const Access& earlier, bool shared) {
  if (!earlier.epoch) return false;
  if (of_earlier_block(earlier)) return !shared;
  if (earlier.epoch != block.epoch || earlier.thread == current->number) return false;
  const bool same_warp = earlier.thread / kWarpSize == current->warp();
  return !(same_warp && earlier.warp_epoch != current->warp_epoch);
}

static void report_race(const Region& region, const char* address, const char* now, const char* before,
                        const Access& earlier, const void* code) {
  report({0, code}, "race in %s at offset %zu: thread %u of block %llu %s what thread %u%s %s at @0x%x, with no barrier between",
         region.buffer.name, region.offset(address), current->number, (unsigned long long)block.number, now,
         earlier.thread, of_earlier_block(earlier) ? " of another block" : "", before, earlier.code);
}

static void check_write(const Region& region, Cell& cell, const char* address, const Access& now, const void* code) {
  if (!(inside_atomic && cell.write_is_atomic) && unordered(cell.write, region.shared))
    report_race(region, address, "writes", "writes", cell.write, code);
  const bool read_by_others = (cell.many_readers && cell.read.epoch == block.epoch) || cell.read_by_earlier_block;
  if (read_by_others || unordered(cell.read, region.shared))
    report_race(region, address, "writes", "reads", cell.read, code);
  cell.write = now;
  cell.write_is_atomic = inside_atomic;
  cell.initialised = true;
  cell.read = {};
  cell.many_readers = cell.read_by_earlier_block = false;
}

static void check_read(const Region& region, Cell& cell, const char* address, const Access& now, const void* code) {
  const bool written = cell.initialised && cell.write.epoch >= (region.shared ? block.first_epoch : 1);
  if (!written && !region.buffer.initialised)
    report({0, code}, "uninitialised read: thread %u of block %llu reads offset %zu of %s, which nothing has written",
           current->number, (unsigned long long)block.number, region.offset(address), region.buffer.name);
  if (!(inside_atomic && cell.write_is_atomic) && unordered(cell.write, region.shared))
    report_race(region, address, "reads", "writes", cell.write, code);
  if (inside_atomic) return;  // the write that follows stands for both
  cell.many_readers = unordered(cell.read, true) || (cell.many_readers && cell.read.epoch == now.epoch);
  cell.read_by_earlier_block |= !region.shared && of_earlier_block(cell.read);
  cell.read = now;
}

static bool outside_gpu_memory(const char* address) {
  const auto within = [address](const void* begin, size_t bytes) {
    return address >= begin && address < static_cast<const char*>(begin) + bytes;
  };
  const size_t thread_count = (size_t)launch->block.x * launch->block.y * launch->block.z;
  return within(stacks, thread_count * kStackBytes) || within(&graphc_builtin, sizeof graphc_builtin);
}

void access(const void* pointer, size_t bytes, bool is_write, const void* code) {
  if (!current || !launch->checked) return;
  const char* address = static_cast<const char*>(pointer);
  if (outside_gpu_memory(address)) return;
  Region* region = find(address);
  if (!region) {
    const bool constant_table = address >= launch->image->begin && address < launch->image->end;
    if (constant_table) return;
    report_out_of_bounds(address, bytes, is_write, code);
  }
  if (address + bytes > region->end()) report_out_of_bounds(address, bytes, is_write, code);
  const Access now = {block.epoch, uint32_t((const char*)code - launch->image->begin - 1),
                      uint16_t(current->number), current->warp_epoch};
  const size_t granule = region->buffer.granule, last = (region->offset(address) + bytes - 1) / granule;
  for (size_t i = region->offset(address) / granule; i <= last; ++i) {
    const char* start = region->buffer.begin + i * granule;
    is_write ? check_write(*region, region->cells[i], start, now, code)
             : check_read(*region, region->cells[i], start, now, code);
  }
  if (launch->schedule == Schedule::random && !inside_atomic && random_number() % kAccessesBetweenSwitches == 0) yield();
}

void forget(const void* pointer, size_t bytes) {
  if (!launch->checked) return;
  const char* address = static_cast<const char*>(pointer);
  Region* region = find(address);
  if (!region) return;
  const size_t granule = region->buffer.granule;
  for (size_t i = region->offset(address) / granule; i <= (region->offset(address) + bytes - 1) / granule; ++i)
    region->cells[i].initialised = false;
}

}  // namespace emulator::checker

using namespace emulator;

extern "C" {

// ---- -fsanitize=thread ----

#define GRAPHC_HOOKS(bytes)                                                                                      \
  void __tsan_read##bytes(void* p) { checker::access(p, bytes, false, __builtin_return_address(0)); }            \
  void __tsan_write##bytes(void* p) { checker::access(p, bytes, true, __builtin_return_address(0)); }            \
  void __tsan_unaligned_read##bytes(void* p) { checker::access(p, bytes, false, __builtin_return_address(0)); }  \
  void __tsan_unaligned_write##bytes(void* p) { checker::access(p, bytes, true, __builtin_return_address(0)); }
GRAPHC_HOOKS(1)
GRAPHC_HOOKS(2)
GRAPHC_HOOKS(4)
GRAPHC_HOOKS(8)
GRAPHC_HOOKS(16)
void __tsan_read_range(void* p, size_t bytes) { checker::access(p, bytes, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t bytes) { checker::access(p, bytes, true, __builtin_return_address(0)); }
void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
  checker::access(from, bytes, false, __builtin_return_address(0));
  checker::access(to, bytes, true, __builtin_return_address(0));
  return memcpy(to, from, bytes);
}
void* __tsan_memset(void* to, int value, size_t bytes) {
  checker::access(to, bytes, true, __builtin_return_address(0));
  return memset(to, value, bytes);
}
void __tsan_init() {}

// ---- -fsanitize=alignment,bounds,integer-divide-by-zero; each handler's first argument begins with its place ----

struct SourceLocation { const char* file; uint32_t line, column; };

void __ubsan_handle_type_mismatch_v1(SourceLocation* where, void* address) {
  report({(int)where->line, nullptr}, "misaligned access: thread %u of block %llu uses address ...%03x", current->number,
         (unsigned long long)block.number, unsigned((uintptr_t)address & 0xfff));
  abort_block();
}
void __ubsan_handle_out_of_bounds(SourceLocation* where, void* index) {
  report({(int)where->line, nullptr}, "out of bounds: index %lld of an array, thread %u of block %llu", (long long)index,
         current->number, (unsigned long long)block.number);
  abort_block();
}
void __ubsan_handle_divrem_overflow(SourceLocation* where, void*, void*) {
  report({(int)where->line, nullptr}, "integer division by zero: thread %u of block %llu", current->number,
         (unsigned long long)block.number);
  abort_block();
}
}
