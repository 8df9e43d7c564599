import { describe, expect, it } from "vitest";
import { boundsOf, homeCamera } from "../src/bounds";
import { frameOf, orbit, pan, project, rayThrough, zoomAt } from "../src/camera";
import type { Triple } from "../src/header";
import { cameraOf, poseOf } from "../src/linked";
import { type CameraState, readScene } from "../src/scene";
import { add, apply, determinant, dot, IDENTITY, type Matrix, norm, orthonormal, product, readMatrix, rotation, times } from "../src/vector";
import { atoms, packet, sceneOf } from "./packets";

const CAMERA: CameraState = { direction: [0, 0, 1], up: [0, 1, 0], centre: [1, 2, 3], height: 10 };
const close = (a: number[], b: number[]) => a.forEach((value, k) => expect(value).toBeCloseTo(b[k], 9));

describe("the camera", () => {
  it("has axes that are a right-handed frame, also where up is along the view", () => {
    for (const camera of [CAMERA, { ...CAMERA, up: [0, 0, 2] as Triple }, { ...CAMERA, direction: [1, 1, 1] as Triple }]) {
      const { right, up, direction } = frameOf(camera);
      expect(determinant([...right, ...up, ...direction] as Matrix)).toBeCloseTo(1, 12);
    }
  });

  it("dragged to the right shows more of the left side", () => {
    const turned = orbit(CAMERA, 0.1, 0);
    expect(turned.direction[0]).toBeLessThan(0);
    const point: Triple = [1, 2, 4]; // in front of the centre: it follows the drag
    expect(project(turned, frameOf(turned), point)[0]).toBeGreaterThan(0);
  });

  it("dragged down shows more of the top", () => {
    expect(orbit(CAMERA, 0, 0.1).direction[1]).toBeGreaterThan(0);
  });

  it("stays a frame after a thousand drags", () => {
    let camera = CAMERA;
    for (let k = 0; k < 1000; k++) camera = orbit(camera, Math.sin(k) / 9, Math.cos(3 * k) / 9);
    expect(norm(camera.direction)).toBeCloseTo(1, 9);
    expect(dot(camera.direction, camera.up)).toBeCloseTo(0, 6);
  });

  it("zooms at the pointer: the point there stays there", () => {
    const point = rayThrough(CAMERA, 0.3, -0.2, 0).origin;
    const zoomed = zoomAt(CAMERA, 1.7, 0.3, -0.2);
    expect(zoomed.height).toBeCloseTo(10 / 1.7, 12);
    close(project(zoomed, frameOf(zoomed), point).slice(0, 2), [0.3, -0.2]);
  });

  it("panned by a share of the height moves what is shown by it", () => {
    const panned = pan(CAMERA, 0.25, 0.1);
    close(project(panned, frameOf(panned), CAMERA.centre).slice(0, 2), [0.25, -0.1]);
  });

  it("shows the whole scene at the start, in wide and in tall views", () => {
    const { layers } = readScene(packet(sceneOf([atoms([[0, 0, 0], [9, 0, 0], [0, 5, 1], [3, 3, -4]])])));
    for (const aspect of [0.5, 1, 2.4]) {
      const home = homeCamera(layers, boundsOf(layers), aspect);
      for (const point of [[0, 0, 0], [9, 0, 0], [0, 5, 1], [3, 3, -4]] as Triple[]) {
        const [x, y] = project(home, frameOf(home), point);
        expect(Math.abs(x)).toBeLessThan(aspect / 2);
        expect(Math.abs(y)).toBeLessThan(0.5);
      }
    }
  });

  it("of linked views keeps its shift and zoom relative to each start", () => {
    const home = { ...CAMERA, centre: [0, 0, 0] as Triple, height: 20 };
    const pose = poseOf(zoomAt(CAMERA, 2, 0, 0), CAMERA, IDENTITY);
    expect(cameraOf(pose, home)).toMatchObject({ centre: [0, 0, 0], height: 10 });
  });
});

describe("rotations", () => {
  it("turn right-handed", () => close(apply(rotation([0, 0, 1], Math.PI / 2), [1, 0, 0]), [0, 1, 0]));

  it("keep being rotations when many are multiplied", () => {
    let turn: Matrix = IDENTITY;
    for (let k = 0; k < 500; k++) turn = orthonormal(product(rotation([0.6, 0, 0.8], 0.3 + k), turn));
    expect(determinant(turn)).toBeCloseTo(1, 12);
    expect(readMatrix(turn)).not.toBeNull();
  });

  it.each([[null], [[1, 2]], [[2, 0, 0, 0, 1, 0, 0, 0, 1]], [Array(9).fill(NaN)]])("that are none are refused: %s", (value) => {
    expect(readMatrix(value)).toBeNull();
  });

  it("of the scene leave its pivot where it is", () => {
    const pivot: Triple = [1, 1, 1];
    const turn = rotation([0, 1, 0], 1);
    close(add(pivot, apply(turn, times([0, 0, 0], 1))), pivot);
  });
});
