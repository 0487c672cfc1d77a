// What a session takes out of an answer. Pure: text in, variables out; a problem is a value and
// becomes the outcome assertion_failed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/expression.hpp"
#include "harness/scenario/json_document.hpp"
#include "harness/scenario/random.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

// Longer texts are not kept: a variable lives as long as its session, and there are many.
inline constexpr std::size_t capture_bytes_max = std::size_t{64} << 10U;

// The value of an answer's header, by a name that the function compares without case.
using HeaderLookup = std::function<std::optional<std::string_view>(std::string_view name)>;

// Sets the captured variables. Absent members: optional captures unset their variable, others are a
// problem (the first one is returned; the remaining captures are applied all the same). Without
// captures the body is not looked at. Bodies deeper than 64 levels are a problem.
[[nodiscard]] std::optional<std::string> apply_captures(
    const std::vector<CompiledCapture>& captures, std::string_view body,
    const HeaderLookup& headers, Variables& variables, ExpressionEngine& engine, Random& random);
// The same, for who asks the document more than the captures do.
[[nodiscard]] std::optional<std::string> apply_captures(
    const std::vector<CompiledCapture>& captures, JsonDocument& document,
    const HeaderLookup& headers, Variables& variables, ExpressionEngine& engine, Random& random);

// `count` distinct indices, ascending, of the cells that equal `value`, uniformly chosen, as
// "[3,17]". Cells are packed with the first cell in the highest bits of the first byte, as Redis
// BITFIELD has them. Fewer such cells than `count`: all of them. nullopt: not base64. `bits` is 1,
// 2, 4 or 8.
[[nodiscard]] std::optional<std::string> pick_cells(std::string_view base64, unsigned bits,
                                                    unsigned value, std::size_t cells_max,
                                                    std::size_t count, Random& random);

}  // namespace stampede
