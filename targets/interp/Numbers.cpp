// "Functions of elements", "RoPE" and "Activations" of docs/spec/numerics.md.
#include "targets/interp/Numbers.h"

#include <bit>
#include <cmath>
#include <utility>

namespace gemmac::interp {

float exponential(float x) {
  constexpr float rounder = 12582912.0f; // 1.5 * 2^23
  x = smaller(larger(x, -87.0f), 88.0f);
  const float n = std::fma(x, 1.44269504088896341f, rounder) - rounder;
  float r = std::fma(n, -0.693359375f, x);
  r = std::fma(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = std::fma(p, r, c);
  const float y = std::fma(p, r * r, r) + 1.0f;
  return y * std::ldexp(1.0f, static_cast<int>(n));
}

float power(float x) { return x > -64.0f ? exponential(x) : 0.0f; }

float gelu(float x) {
  const float u = (x * -1.5957691216057308f) * std::fma(x * x, 0.044715f, 1.0f);
  return x / (exponential(u) + 1.0f);
}

float softcap(float x, double cap) {
  const float e = exponential(x * static_cast<float>(2.0 / cap));
  return (1.0f - 2.0f / (e + 1.0f)) * static_cast<float>(cap);
}

SineCosine sineCosine(float angle) {
  constexpr double rounder = 6755399441055744.0; // 1.5 * 2^52
  const double x = angle;
  const double n = std::fma(x, 0.63661977236758134308, rounder) - rounder;
  double r = std::fma(n, -1.57079632679489655800, x);
  r = std::fma(n, -6.12323399573676603587e-17, r);
  const double z = r * r;
  double s = 1.58969099521155010221e-10;
  for (double k : {-2.50507602534068634195e-08, 2.75573137070700676789e-06, -1.98412698298579493134e-04,
                   8.33333333332248946124e-03, -1.66666666666666324348e-01})
    s = std::fma(s, z, k);
  s = std::fma(s * z, r, r);
  double c = -1.13596475577881948265e-11;
  for (double k : {2.08757232129817482790e-09, -2.75573143513906633035e-07, 2.48015872894767294178e-05,
                   -1.38888888888741095749e-03, 4.16666666666666019037e-02})
    c = std::fma(c, z, k);
  c = std::fma(c * z, z, std::fma(z, -0.5, 1.0));
  const int64_t quarter = static_cast<int64_t>(n) & 3;
  if (quarter & 1)
    std::swap(s, c);
  return {static_cast<float>(quarter == 2 || quarter == 3 ? -s : s),
          static_cast<float>(quarter == 1 || quarter == 2 ? -c : c)};
}

float gridSteps(float x, float scale) { return std::nearbyint(smaller(larger(x / scale, -128.0f), 127.0f)); }

float onGrid(float x, float scale) { return scale > 0.0f ? gridSteps(x, scale) * scale : x; }

float widenHalf(uint16_t bits) { return static_cast<float>(std::bit_cast<_Float16>(bits)); }

float roundToHalf(float x) { return static_cast<float>(static_cast<_Float16>(x)); }

} // namespace gemmac::interp
