// The loss and the updates on the device.
import type { Placement } from '../weight-updater'
import { DeviceUpdater } from './device-updater'
import { onDeviceLoss } from './on-device-loss'

/** For the webgpu backend. */
export const onDevice: Placement = {
  loss: onDeviceLoss,
  updater: (parameters, optimizer) => new DeviceUpdater(parameters, optimizer),
}
