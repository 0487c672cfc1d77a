// How many columns there are to write to.
#pragma once

namespace stampede {

// Of the terminal behind a descriptor, now: it may be resized. 100 where there is none.
[[nodiscard]] int terminal_width(int descriptor);

}  // namespace stampede
