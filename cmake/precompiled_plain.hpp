// What nearly every file of ours includes and what is slow to read; never a header of our own.
#pragma once
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
