// A bounded memory of what is costly to read: what was used longest ago goes first.

/** Reads through a memory. */
export interface RecentlyUsed<Value> {
  /** The value of a key, read if it is not kept. A failed read is not kept. */
  get(key: number): Promise<Value>
  clear(): void
}

/** Keeps what `read` gave last, as long as its `size` adds up to at most `limit`; the newest value stays in any case. */
export function recentlyUsed<Value>(
  read: (key: number) => Promise<Value>,
  { size, limit }: { readonly size: (value: Value) => number; readonly limit: number },
): RecentlyUsed<Value> {
  // A Map lists its keys in the order of insertion: the first was used longest ago.
  const kept = new Map<number, { readonly value: Promise<Value>; size: number }>()
  const total = (): number => [...kept.values()].reduce((sum, entry) => sum + entry.size, 0)
  const begin = (key: number): { readonly value: Promise<Value>; size: number } => {
    const entry = { value: read(key), size: 0 }
    entry.value.then(
      (value) => {
        entry.size = size(value)
        for (const oldest of [...kept.keys()]) {
          if (total() <= limit || kept.size === 1) break
          kept.delete(oldest)
        }
      },
      () => kept.delete(key),
    )
    return entry
  }
  return {
    get(key) {
      const entry = kept.get(key) ?? begin(key)
      kept.delete(key)
      kept.set(key, entry)
      return entry.value
    },
    clear: () => kept.clear(),
  }
}
